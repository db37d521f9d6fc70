"""Fills a template: walks its nodes with a dot and a stack of variables.

Every error says where: `template: NAME:LINE:COLUMN: executing "NAME" at <NODE>: ...`, as Go's do.
"""

from __future__ import annotations

from lading.cli.gotemplate import nodes, printing, reach
from lading.cli.gotemplate.errors import CallProblem, ExecutionProblem
from lading.cli.gotemplate.functions import NO_FINAL, fits
from lading.cli.gotemplate.values import NilPointer, is_true, sorted_items, type_name
from lading.cli.human import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lading.cli.gotemplate.functions import Function
    from lading.cli.gotemplate.template import Template

MAX_DEPTH = 100  # templates that use each other; Go allows 100000, our stack does not
MAX_RANGE = 1_000_000  # turns of a `range` over a number


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Evaluator:
    """One filling of a template. `strict`: a key that a map lacks is an error."""

    def __init__(
        self,
        template: Template,
        name: str,
        dot: object,
        functions: Mapping[str, Function],
        *,
        strict: bool,
        depth: int = 0,
    ) -> None:
        self._template = template
        self._name = name
        self._functions = functions
        self._strict = strict
        self._depth = depth
        self._variables: list[tuple[str, object]] = [("$", dot)]
        self.written: list[str] = []

    def run(self) -> None:
        """Fill `written`. Raises ExecutionProblem."""
        self._walk(self._variables[0][1], self._template.trees[self._name])

    def error(self, node: nodes.Node, message: str) -> ExecutionProblem:
        line, column = self._template.place(node.position)
        name = self._template.name
        return ExecutionProblem(
            f"template: {name}:{line}:{column}: executing {quoted(self._name)} "
            f"at <{node}>: {message}"
        )

    # -- nodes

    def _walk(self, dot: object, body: Iterable[nodes.Node]) -> None:
        for node in body:
            if isinstance(node, nodes.Text):
                self.written.append(node.text)
            elif isinstance(node, nodes.Action):
                value = self._pipeline(dot, node.pipeline)
                if not node.pipeline.variables:
                    self.written.append(printing.shown(value))
            elif isinstance(node, nodes.Branch):
                self._branch(dot, node)
            elif isinstance(node, nodes.Invocation):
                self._invoke(dot, node)
            elif isinstance(node, nodes.Jump):
                raise _Break if node.word == "break" else _Continue

    def _branch(self, dot: object, node: nodes.Branch) -> None:
        known = len(self._variables)
        try:
            if node.word == "range":
                self._range(dot, node)
                return
            value = self._pipeline(dot, node.pipeline)
            if is_true(value):
                self._walk(value if node.word == "with" else dot, node.body)
            elif node.otherwise is not None:
                self._walk(dot, node.otherwise)
        finally:
            del self._variables[known:]

    def _range(self, dot: object, node: nodes.Branch) -> None:
        value = self._pipeline(dot, node.pipeline, declare=False)
        known = len(self._variables)
        turns = 0
        try:
            for key, item in self._pairs(value, node):
                turns += 1
                del self._variables[known:]
                self._set_loop_variables(node.pipeline, key, item, value)
                try:
                    self._walk(item, node.body)
                except _Continue:
                    continue
        except _Break:
            return
        if not turns and node.otherwise is not None:
            self._walk(dot, node.otherwise)

    def _set_loop_variables(
        self, pipeline: nodes.Pipeline, key: object, item: object, ranged: object
    ) -> None:
        """One variable is the element, two are index and element; over a number, the number."""
        names = pipeline.variables
        values = [key, item] if len(names) == 2 else [item]
        for name, value in zip(names, values, strict=False):
            if pipeline.assigns:
                self._assign(name, value)
            else:
                self._variables.append((name, value))

    def _pairs(self, value: object, node: nodes.Branch) -> Iterable[tuple[object, object]]:
        if value is None or isinstance(value, NilPointer):
            return []
        if isinstance(value, list):
            return enumerate(value)
        if isinstance(value, dict):
            return sorted_items(value)
        if isinstance(value, int) and not isinstance(value, bool):
            if len(node.pipeline.variables) > 1:
                raise self.error(
                    node.pipeline.commands[-1].words[-1],
                    f"can't use {value} to iterate over more than one variable",
                )
            return ((number, number) for number in range(min(value, MAX_RANGE)))
        raise self.error(node.pipeline, f"range can't iterate over {printing.shown(value)}")

    def _invoke(self, dot: object, node: nodes.Invocation) -> None:
        if node.name not in self._template.trees:
            raise self.error(node, f"template {quoted(node.name)} not defined")
        if self._depth == MAX_DEPTH:
            raise self.error(node, f"exceeded maximum template depth ({MAX_DEPTH})")
        argument = self._pipeline(dot, node.pipeline) if node.pipeline else None
        inner = Evaluator(
            self._template,
            node.name,
            argument,
            self._functions,
            strict=self._strict,
            depth=self._depth + 1,
        )
        inner.written = self.written
        inner.run()

    # -- pipelines

    def _pipeline(self, dot: object, pipeline: nodes.Pipeline, *, declare: bool = True) -> object:
        value: object = NO_FINAL
        for command in pipeline.commands:
            value = self._command(dot, command, value)
        if declare:
            for name in pipeline.variables:
                if not pipeline.assigns:
                    self._variables.append((name, value))
                elif not self._assign(name, value):
                    raise self.error(pipeline.commands[-1].words[-1], f"undefined variable: {name}")
        return value

    def _assign(self, name: str, value: object) -> bool:
        """Change the innermost variable of that name; False when there is none."""
        for position in range(len(self._variables) - 1, -1, -1):
            if self._variables[position][0] == name:
                self._variables[position] = (name, value)
                return True
        return False

    def _command(self, dot: object, command: nodes.Command, final: object) -> object:
        first, *arguments = command.words
        if isinstance(first, nodes.Function):
            return self._function(dot, first, arguments, final, command)
        if isinstance(first, nodes.Field | nodes.Chain | nodes.Variable):
            return self._reach(dot, first, arguments, final)
        if arguments or final is not NO_FINAL:
            raise self.error(first, f"can't give argument to non-function {first}")
        if isinstance(first, nodes.Nil):
            raise self.error(first, "nil is not a command")
        return self._operand(dot, first)

    def _operand(self, dot: object, node: nodes.Node) -> object:
        """The value of a word that is an argument, or a command of its own."""
        if isinstance(node, nodes.Constant):
            return node.value
        if isinstance(node, nodes.Dot):
            return dot
        if isinstance(node, nodes.Pipeline):
            return self._pipeline(dot, node)
        if isinstance(node, nodes.Function):
            return self._function(dot, node, (), NO_FINAL, node)
        if isinstance(node, nodes.Nil):
            return None
        return self._reach(dot, node, (), NO_FINAL)

    def _reach(
        self, dot: object, node: nodes.Node, arguments: Sequence[nodes.Node], final: object
    ) -> object:
        """Fields of the dot, a variable or a pipeline; the last may be a method."""
        value = dot
        if isinstance(node, nodes.Variable):
            value = next(v for name, v in reversed(self._variables) if name == node.name)
        elif isinstance(node, nodes.Chain):
            if isinstance(node.node, nodes.Nil):
                raise self.error(node, "indirection through explicit nil in " + quoted(str(node)))
            value = self._operand(dot, node.node)
        names: Sequence[str] = getattr(node, "names", ())
        if not names and (arguments or final is not NO_FINAL):
            raise self.error(node, f"can't give argument to non-function {node}")
        for position, name in enumerate(names):
            given = None
            if position == len(names) - 1 and (arguments or final is not NO_FINAL):
                given = [self._operand(dot, word) for word in arguments]
                given += [] if final is NO_FINAL else [final]
            try:
                value = reach.field(value, name, given, strict=self._strict)
            except reach.Unreachable as error:
                raise self.error(node, str(error)) from None
            except CallProblem as error:
                raise self.error(node, str(error)) from None
        return value

    # -- functions

    def _function(
        self,
        dot: object,
        node: nodes.Function,
        words: Sequence[nodes.Node],
        final: object,
        whole: nodes.Node,
    ) -> object:
        """`whole` is what an error of the function itself points at."""
        function = self._functions[node.name]
        if function.is_lazy:
            return self._lazily(dot, node, words, final)
        count = len(words) + (final is not NO_FINAL)
        problem = function.complaint_about(count)
        if problem:
            raise self.error(node, f"wrong number of args for {node.name}: {problem}")
        arguments = [
            self._argument(dot, word, function.kind_of(position))
            for position, word in enumerate(words)
        ]
        if final is not NO_FINAL:
            self._check(node, final, function.kind_of(count - 1))
            arguments.append(final)
        try:
            return function.call(*arguments)
        except CallProblem as error:
            raise self.error(whole, f"error calling {node.name}: {error}") from None
        except RecursionError:
            raise self.error(whole, f"error calling {node.name}: too deep") from None

    def _lazily(
        self, dot: object, node: nodes.Function, words: Sequence[nodes.Node], final: object
    ) -> object:
        """`and`, `or`: the first argument that decides; those behind it are not looked at."""
        if not words and final is NO_FINAL:
            raise self.error(node, f"wrong number of args for {node.name}: want at least 1 got 0")
        value: object = None
        for word in words:
            value = self._operand(dot, word)
            if is_true(value) == (node.name == "or"):
                return value
        return value if final is NO_FINAL else final

    def _argument(self, dot: object, word: nodes.Node, kind: str) -> object:
        if isinstance(word, nodes.Nil):
            if kind in ("string", "int", "bool"):
                raise self.error(word, f"cannot assign nil to {kind}")
            return None
        value = self._operand(dot, word)
        if isinstance(word, nodes.Constant) and not fits(value, kind):
            wanted = {"int": "integer"}.get(kind, kind)
            raise self.error(word, f"expected {wanted}; found {word}")
        self._check(word, value, kind)
        return value

    def _check(self, node: nodes.Node, value: object, kind: str) -> None:
        if fits(value, kind):
            return
        if value is None:
            raise self.error(node, f"invalid value; expected {kind}")
        raise self.error(node, f"wrong type for value; expected {kind}; got {type_name(value)}")
