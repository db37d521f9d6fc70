"""The outer half of the grammar: text, blocks, definitions. What is wrong is said in Go's words."""

from __future__ import annotations

from lading.cli.gotemplate import lexer, nodes
from lading.cli.gotemplate.pipelines import PipelineParser
from lading.cli.human import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from lading.cli.gotemplate.lexer import Token


class Parser(PipelineParser):
    """One text. `trees` holds the templates that it defines, its own under `name`."""

    def __init__(self, text: str, name: str, functions: Collection[str]) -> None:
        super().__init__(text, name, functions)
        self._loops = 0
        self._name_at = 0
        self.trees: dict[str, list[nodes.Node]] = {}

    def parse(self) -> None:
        """Fill `trees`. Raises SyntaxProblem."""
        body: list[nodes.Node] = []
        while self._peek().kind != lexer.END:
            if self._peek().kind == lexer.OPEN and self._word_behind() == "define":
                self._definition()
                continue
            node, stop = self._text_or_action()
            if stop:
                raise self._error(f"unexpected {{{{{stop}}}}}")
            if node:
                body.append(node)
        self._put(self._name, body)

    def _put(self, name: str, body: list[nodes.Node]) -> None:
        """A second definition may not replace one that says something."""
        known = self.trees.get(name)
        if known is not None and not _is_empty(known) and not _is_empty(body):
            raise self._error(f"template: multiple definition of template {quoted(name)}")
        if known is None or not _is_empty(body):
            self.trees[name] = body

    # -- blocks

    def _text_or_action(self) -> tuple[nodes.Node | None, str]:
        """A node, or the word that ends a list: "end" or "else"."""
        token = self._next_word() if self._peek().kind == lexer.SPACE else self._next()
        if token.kind == lexer.TEXT:
            return nodes.Text(token.position, token.value), ""
        if token.kind != lexer.OPEN:
            raise self._unexpected(token, "input")
        self._action_line = token.line
        node, stop = self._action()
        self._action_line = 0
        return node, stop

    def _action(self) -> tuple[nodes.Node | None, str]:
        word = self._peek_word()
        if word.kind == lexer.KEYWORD:
            self._next()
            if word.value == "end":
                self._expect(lexer.CLOSE, "end")
                return None, "end"
            if word.value == "else":
                follows = self._peek_word()
                if not (follows.kind == lexer.KEYWORD and follows.value in ("if", "with")):
                    self._expect(lexer.CLOSE, "else")
                return None, "else"
            return self._control(word), ""
        pipeline = self._pipeline("command", lexer.CLOSE)
        return nodes.Action(word.position, pipeline), ""

    def _control(self, word: Token) -> nodes.Node:
        if word.value in ("if", "with", "range"):
            return self._branch(word)
        if word.value in ("break", "continue"):
            if self._next_word().kind != lexer.CLOSE:
                self._position -= 1
                raise self._unexpected(self._next(), f"{{{{{word.value}}}}}")
            if not self._loops:
                raise self._error(f"{{{{{word.value}}}}} outside {{{{range}}}}")
            return nodes.Jump(word.position, word.value)
        if word.value == "template":
            return self._invocation()
        if word.value == "block":
            return self._block()
        raise self._unexpected(word, "command")

    def _branch(self, word: Token) -> nodes.Branch:
        self._deepen()
        known = len(self._variables)
        pipeline = self._pipeline(word.value, lexer.CLOSE)
        self._loops += word.value == "range"
        body, stop = self._list()
        self._loops -= word.value == "range"
        otherwise = None
        if stop == "else":
            otherwise = self._otherwise(word)
        del self._variables[known:]
        self._depth -= 1
        return nodes.Branch(word.position, word.value, pipeline, body, otherwise)

    def _otherwise(self, word: Token) -> list[nodes.Node]:
        """`{{else}}` ... `{{end}}`, or `{{else if ...}}`, which needs no end of its own."""
        follows = self._peek()
        if follows.kind == lexer.KEYWORD:
            if word.value != follows.value:
                raise self._unexpected(self._next(), "else")
            return [self._branch(self._next())]
        body, stop = self._list()
        if stop != "end":
            raise self._error(f"expected end; found {{{{{stop}}}}}")
        return body

    def _list(self) -> tuple[list[nodes.Node], str]:
        body: list[nodes.Node] = []
        while self._peek_word().kind != lexer.END:
            node, stop = self._text_or_action()
            if stop:
                return body, stop
            if node:
                body.append(node)
        raise self._error("unexpected EOF")

    def _definition(self) -> None:
        self._next()
        self._next_word()
        name = self._template_name("define clause")
        self._expect(lexer.CLOSE, "define clause")
        body = self._separately("define clause")
        self._put(name, body)

    def _block(self) -> nodes.Invocation:
        """`{{block "name" pipeline}}` defines a template and uses it."""
        name = self._template_name("block clause")
        where = self._name_at
        pipeline = self._pipeline("block clause", lexer.CLOSE)
        self._put(name, self._separately("block clause"))
        return nodes.Invocation(where, name, pipeline)

    def _separately(self, context: str) -> list[nodes.Node]:
        """A body with variables of its own."""
        kept, self._variables = self._variables, ["$"]
        loops, self._loops = self._loops, 0
        self._deepen()
        body, stop = self._list()
        if stop != "end":
            raise self._error(f"unexpected {{{{{stop}}}}} in {context}")
        self._depth -= 1
        self._variables, self._loops = kept, loops
        return body

    def _template_name(self, context: str) -> str:
        self._name_at = self._peek_word().position
        token = self._next_word()
        if token.kind not in (lexer.STRING, lexer.RAW_STRING):
            raise self._unexpected(token, context)
        return self._unquoted(token)

    def _invocation(self) -> nodes.Invocation:
        name = self._template_name("template clause")
        where = self._name_at
        pipeline = None
        if self._peek_word().kind != lexer.CLOSE:
            pipeline = self._pipeline("template clause", lexer.CLOSE)
        else:
            self._next()
        return nodes.Invocation(where, name, pipeline)


def _is_empty(body: list[nodes.Node]) -> bool:
    return all(isinstance(node, nodes.Text) and not node.text.strip() for node in body)
