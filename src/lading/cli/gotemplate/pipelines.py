"""The inner half of the grammar: the tokens of one text, and what stands between `{{` and `}}`."""

from __future__ import annotations

from lading.cli.gotemplate import lexer, nodes
from lading.cli.gotemplate.errors import SyntaxProblem
from lading.cli.gotemplate.literals import parse_number, unquote, unquote_character
from lading.cli.human import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from lading.cli.gotemplate.lexer import Token

_OPERANDS = frozenset(
    [
        lexer.BOOL,
        lexer.CHARACTER,
        lexer.DOT,
        lexer.FIELD,
        lexer.IDENTIFIER,
        lexer.NUMBER,
        lexer.NIL,
        lexer.RAW_STRING,
        lexer.STRING,
        lexer.VARIABLE,
        lexer.LEFT_PAREN,
    ]
)
MAX_DEPTH = 80  # blocks and parentheses in each other: a limit of our own stack, not of Go


class PipelineParser:
    """Reads tokens one by one; `_variables` are those in sight, the innermost last."""

    def __init__(self, text: str, name: str, functions: Collection[str]) -> None:
        self._name = name
        self._functions = functions
        self._tokens = lexer.tokens(text)
        self._position = 0
        self._variables = ["$"]
        self._depth = 0
        self._action_line = 0

    # -- tokens

    def _next(self) -> Token:
        token = self._peek()
        if self._position < len(self._tokens) - 1 or token.kind not in (lexer.END, lexer.ERROR):
            self._position += 1
        return token

    def _peek(self) -> Token:
        return self._tokens[min(self._position, len(self._tokens) - 1)]

    def _skip_space(self) -> None:
        while self._peek().kind == lexer.SPACE:
            self._position += 1

    def _peek_word(self) -> Token:
        self._skip_space()
        return self._peek()

    def _next_word(self) -> Token:
        self._skip_space()
        return self._next()

    def _word_behind(self) -> str:
        position = self._position + 1
        while self._tokens[position].kind == lexer.SPACE:
            position += 1
        token = self._tokens[position]
        return token.value if token.kind == lexer.KEYWORD else ""

    def _error(self, message: str, line: int = 0) -> SyntaxProblem:
        behind = self._tokens[min(self._position, len(self._tokens) - 1)]
        return SyntaxProblem(f"template: {self._name}:{line or behind.line}: {message}")

    def _unexpected(self, token: Token, context: str) -> SyntaxProblem:
        if token.kind != lexer.ERROR:
            return self._error(f"unexpected {token} in {context}", token.line)
        extra = ""
        if self._action_line not in (0, token.line):
            extra = f" in action started at {self._name}:{self._action_line}"
            if token.value.endswith(" action"):
                extra = extra.removeprefix(" in action")
        return self._error(f"{token}{extra}", token.line)

    def _expect(self, kind: str, context: str) -> Token:
        token = self._next_word()
        if token.kind != kind:
            raise self._unexpected(token, context)
        return token

    def _deepen(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error("too many blocks and parentheses in each other")

    # -- pipelines

    def _pipeline(self, context: str, end: str) -> nodes.Pipeline:
        start = self._peek_word()
        variables, assigns = self._declarations(context)
        commands: list[nodes.Command] = []
        while True:
            token = self._peek_word()
            if token.kind == end:
                self._next()
                break
            if token.kind not in _OPERANDS:
                raise self._unexpected(self._next(), context)
            commands.append(self._command())
        self._check(commands, context)
        return nodes.Pipeline(start.position, variables, assigns, commands)

    def _check(self, commands: list[nodes.Command], context: str) -> None:
        if not commands:
            raise self._error(f"missing value for {context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.words[0], nodes.Constant | nodes.Dot | nodes.Nil):
                raise self._error(f"non executable command in pipeline stage {stage}")

    def _declarations(self, context: str) -> tuple[list[str], bool]:
        """`$x :=`, `$x =`, and in a range `$i, $x :=`."""
        declared: list[str] = []
        while self._peek_word().kind == lexer.VARIABLE:
            before = self._position
            name = self._next().value
            follows = self._peek_word()
            if follows.kind in (lexer.ASSIGN, lexer.DECLARE):
                self._next()
                declared.append(name)
                self._variables.append(name)
                return declared, follows.kind == lexer.ASSIGN
            if follows.kind != lexer.COMMA:
                self._position = before
                break
            self._next()
            declared.append(name)
            self._variables.append(name)
            if context != "range" or len(declared) > 1:
                raise self._error(f"too many declarations in {context}")
            if self._peek_word().kind != lexer.VARIABLE:
                raise self._error("range can only initialize variables")
        return declared, False

    def _command(self) -> nodes.Command:
        start = self._peek_word()
        words: list[nodes.Node] = []
        while True:
            self._skip_space()
            operand = self._operand()
            if operand:
                words.append(operand)
            token = self._next()
            if token.kind == lexer.SPACE:
                continue
            if token.kind in (lexer.CLOSE, lexer.RIGHT_PAREN):
                self._position -= 1
            elif token.kind != lexer.PIPE:
                raise self._unexpected(token, "operand")
            break
        if not words:
            raise self._error("empty command")
        return nodes.Command(start.position, words)

    def _operand(self) -> nodes.Node | None:
        """A term, and the fields that follow it without a blank."""
        node = self._term()
        first = self._peek()
        if node is None or first.kind != lexer.FIELD:
            return node
        names = []
        while self._peek().kind == lexer.FIELD:
            names.append(self._next().value[1:])
        if isinstance(node, nodes.Field):
            return nodes.Field(first.position, [*node.names, *names])
        if isinstance(node, nodes.Variable):
            return nodes.Variable(first.position, node.name, [*node.names, *names])
        if isinstance(node, nodes.Constant | nodes.Nil | nodes.Dot):
            raise self._error(f"unexpected . after term {quoted(str(node))}")
        return nodes.Chain(first.position, node, names)

    def _term(self) -> nodes.Node | None:
        token = self._peek_word()
        where = token.position
        if token.kind not in _OPERANDS:
            return None
        self._next()
        if token.kind == lexer.IDENTIFIER:
            if token.value not in self._functions:
                raise self._error(f"function {quoted(token.value)} not defined", token.line)
            return nodes.Function(where, token.value)
        if token.kind == lexer.DOT:
            return nodes.Dot(where)
        if token.kind == lexer.NIL:
            return nodes.Nil(where)
        if token.kind == lexer.FIELD:
            return nodes.Field(where, [token.value[1:]])
        if token.kind == lexer.VARIABLE:
            if token.value not in self._variables:
                raise self._error(f"undefined variable {quoted(token.value)}", token.line)
            return nodes.Variable(where, token.value)
        if token.kind == lexer.LEFT_PAREN:
            self._deepen()
            pipeline = self._pipeline("parenthesized pipeline", lexer.RIGHT_PAREN)
            self._depth -= 1
            return pipeline
        return nodes.Constant(where, token.value, self._constant(token))

    def _constant(self, token: Token) -> object:
        if token.kind == lexer.BOOL:
            return token.value == "true"
        if token.kind == lexer.NUMBER:
            number = parse_number(token.value)
            if isinstance(number, int) and not -(1 << 63) <= number < 1 << 64:
                raise self._error(f"integer overflow: {quoted(token.value)}")
            return number
        if token.kind == lexer.CHARACTER:
            value = unquote_character(token.value)
            if value is None:
                raise self._error("invalid syntax", token.line)
            return value
        return self._unquoted(token)

    def _unquoted(self, token: Token) -> str:
        value = unquote(token.value)
        if value is None:
            raise self._error("invalid syntax", token.line)
        return value
