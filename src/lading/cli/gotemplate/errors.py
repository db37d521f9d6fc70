"""What can be wrong with a template, or with what it is filled from."""

from __future__ import annotations


class TemplateError(Exception):
    """The message is Go's, from `template: ` on."""


class SyntaxProblem(TemplateError):
    """The text is no template."""


class ExecutionProblem(TemplateError):
    """The template does not fit the data."""


class CallProblem(Exception):
    """A function refuses its arguments; the evaluator adds where and which."""


class NoSuchField(Exception):
    """An object has no field or method of that name."""
