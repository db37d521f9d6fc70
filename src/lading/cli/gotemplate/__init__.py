"""Go's template language, as `--format` and `inspect -f` speak it. Own, and loaded on demand.

    lexer      text -> tokens, with trim markers and comments
    nodes      what a template is made of; each node prints itself as it was written
    parser     tokens -> nodes; says what is wrong in Go's words
    evaluator  nodes + data -> text: variables, pipelines, if, range, with, template
    reach      fields, map keys and methods of a value
    functions  the built-in ones, and those that Docker adds (json, join, upper, pad ...)
    values     what stands for Go's values; truth, order, types' names
    printing   a value as Go's fmt prints it; printf

    template = parse("{{.Names}}\\t{{.Status | upper}}")
    template.render(row)

Errors are `TemplateError` with the text that Go's text/template has: users and scripts know it.
Source: the documents of Go's packages text/template and fmt.
"""

from lading.cli.gotemplate.errors import TemplateError
from lading.cli.gotemplate.template import Template, parse

__all__ = ["Template", "TemplateError", "parse"]
