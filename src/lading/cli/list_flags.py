"""The flags that every list has."""

from __future__ import annotations

from lading.cli.flags import BOOL, FILTER, STRING, Flag

ALL_FORMATS = (
    "Format output: 'table' (default), 'table TEMPLATE', 'json' (an object a line), or a template "
    "such as '{{.ID}} {{.Names}}'"
)

FILTER_FLAG = Flag("filter", "f", FILTER, "Filter output based on conditions provided")
FORMAT_FLAG = Flag("format", "", STRING, ALL_FORMATS)
NO_TRUNC_FLAG = Flag("no-trunc", "", BOOL, "Don't truncate output")
