"""Commands that do one thing to each of several names, and go on after a failure."""

from __future__ import annotations

import sys

from lading.errors import LadingError
from lading.sdk.errors import ConnectionFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def for_each(names: Iterable[str], act: Callable[[str], str | None]) -> int:
    """Print what `act` returns (the name for None, nothing for ""), or why it failed: then 1."""
    code = 0
    for name in names:
        try:
            said = act(name)
        except ConnectionFailed:
            raise  # no engine: the next name will not fare better
        except LadingError as error:
            sys.stdout.flush()
            sys.stderr.write(f"{error}\n")
            code = 1
        else:
            if said != "":
                sys.stdout.write((name if said is None else said) + "\n")
                sys.stdout.flush()
    return code
