"""A parsed template, and the door: `parse(text).render(data)`."""

from __future__ import annotations

from lading.cli.gotemplate.evaluator import Evaluator
from lading.cli.gotemplate.functions import FUNCTIONS
from lading.cli.gotemplate.parser import Parser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.cli.gotemplate import nodes
    from lading.cli.gotemplate.functions import Function


class Template:
    """`trees` are the bodies by name; `name` is that of the text itself."""

    def __init__(self, name: str, text: str, trees: Mapping[str, list[nodes.Node]]) -> None:
        self.name = name
        self.text = text
        self.trees = trees

    def render(
        self, data: object, *, strict: bool = False, functions: Mapping[str, Function] = FUNCTIONS
    ) -> str:
        """The text filled with `data`. Raises ExecutionProblem."""
        text, problem = self.render_until_error(data, strict=strict, functions=functions)
        if problem:
            raise problem
        return text

    def render_until_error(
        self, data: object, *, strict: bool = False, functions: Mapping[str, Function] = FUNCTIONS
    ) -> tuple[str, Exception | None]:
        """What was written up to the first error, and that error."""
        evaluator = Evaluator(self, self.name, data, functions, strict=strict)
        problem: Exception | None = None
        try:
            evaluator.run()
        except Exception as error:
            from lading.cli.gotemplate.errors import ExecutionProblem

            if not isinstance(error, ExecutionProblem):
                raise
            problem = error
        return "".join(evaluator.written), problem

    def place(self, position: int) -> tuple[int, int]:
        """Line (from 1) and byte in the line (from 0) of a position, as Go counts."""
        before = self.text[:position]
        line = before.count("\n") + 1
        return line, len(before.rpartition("\n")[2].encode())


def parse(text: str, name: str = "") -> Template:
    """Raises SyntaxProblem."""
    parser = Parser(text, name, FUNCTIONS)
    parser.parse()
    return Template(name, text, parser.trees)
