"""Text to tokens. Outside of `{{ }}` there is only text; inside, blanks are tokens, for Go's
grammar tells `.A.B` from `.A .B` by them.

`{{- ` and ` -}}` eat the blanks beside them; `{{/* ... */}}` leaves nothing.
"""

from __future__ import annotations

from lading.cli.gotemplate.literals import number_end, parse_number

TEXT = "text"
OPEN, CLOSE = "{{", "}}"
SPACE, PIPE, DECLARE, ASSIGN, COMMA = "space", "|", ":=", "=", ","
LEFT_PAREN, RIGHT_PAREN = "(", ")"
FIELD, VARIABLE, DOT, NIL = "field", "variable", "dot", "nil"
IDENTIFIER, KEYWORD = "identifier", "keyword"
BOOL, NUMBER, CHARACTER = "bool", "number", "character"
STRING, RAW_STRING, OTHER = "string", "raw string", "other"
END, ERROR = "EOF", "error"

KEYWORDS = frozenset(
    ["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"]
)
BLANKS = " \t\r\n"
_BEFORE = frozenset(" \t\r\n,|)(:=") | {""}


class Token:
    """`kind` is one of the constants above, `position` an index into the text, `line` from 1."""

    __slots__ = ("kind", "line", "position", "value")

    def __init__(self, kind: str, value: str, position: int, line: int) -> None:
        self.kind = kind
        self.value = value
        self.position = position
        self.line = line

    def __str__(self) -> str:
        """As error messages show it."""
        if self.kind == END:
            return "EOF"
        if self.kind == ERROR:
            return self.value
        if self.kind in (KEYWORD, DOT):
            return f"<{self.value}>"
        from lading.cli.human import quoted

        return quoted(self.value[:10]) + "..." if len(self.value) > 10 else quoted(self.value)


def tokens(text: str) -> list[Token]:
    """All tokens; the last one is END or ERROR."""
    return _Lexer(text).run()


class _Problem(Exception):
    pass


class _Lexer:
    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._line = 1
        self._parens = 0
        self._found: list[Token] = []

    def run(self) -> list[Token]:
        try:
            while self._position < len(self._text):
                self._outside()
            self._emit(END, 0)
        except _Problem as problem:
            self._found.append(Token(ERROR, str(problem), self._position, self._line))
        return self._found

    def _emit(self, kind: str, length: int) -> None:
        value = self._text[self._position : self._position + length]
        self._found.append(Token(kind, value, self._position, self._line))
        self._skip(length)

    def _skip(self, length: int) -> None:
        end = self._position + length
        self._line += self._text.count("\n", self._position, end)
        self._position = end

    def _at(self, word: str) -> bool:
        return self._text.startswith(word, self._position)

    def _outside(self) -> None:
        """Text up to the next action, then that action."""
        opened = self._text.find(OPEN, self._position)
        if opened < 0:
            self._emit(TEXT, len(self._text) - self._position)
            return
        trims = self._text[opened + 2 : opened + 3] == "-" and self._blank_at(opened + 3)
        outside = self._text[self._position : opened]
        kept = len(outside.rstrip(BLANKS)) if trims else len(outside)
        if kept:
            self._emit(TEXT, kept)
        self._skip(opened - self._position)
        if self._text.startswith("/*", opened + (4 if trims else 2)):
            self._comment(4 if trims else 2)
            return
        self._emit(OPEN, 2)
        if trims:
            self._skip(2)
        self._parens = 0
        while self._inside():
            pass

    def _blank_at(self, position: int) -> bool:
        letter = self._text[position : position + 1]
        return bool(letter) and letter in BLANKS

    def _comment(self, opening: int) -> None:
        end = self._text.find("*/", self._position + opening + 2)
        if end < 0:
            raise _Problem("unclosed comment")
        self._skip(end + 2 - self._position)
        if not self._closes():
            raise _Problem("comment ends before closing delimiter")
        self._close(emit=False)

    def _closes(self) -> bool:
        return self._at(CLOSE) or self._trims_after()

    def _trims_after(self) -> bool:
        return self._blank_at(self._position) and self._text.startswith("-}}", self._position + 1)

    def _close(self, *, emit: bool = True) -> None:
        trims = self._trims_after()
        if trims:
            self._skip(2)
        if emit:
            self._emit(CLOSE, 2)
        else:
            self._skip(2)
        if trims:
            rest = self._text[self._position :]
            self._skip(len(rest) - len(rest.lstrip(BLANKS)))

    def _inside(self) -> bool:
        """One token of an action; False when the action is over."""
        if self._closes():
            if self._parens:
                raise _Problem("unclosed left paren")
            self._close()
            return False
        letter = self._text[self._position : self._position + 1]
        following = self._text[self._position + 1 : self._position + 2]
        if not letter:
            raise _Problem("unclosed action")
        if letter in BLANKS:
            self._space()
        elif letter == "=":
            self._emit(ASSIGN, 1)
        elif letter == ":":
            if following != "=":
                raise _Problem("expected :=")
            self._emit(DECLARE, 2)
        elif letter == "|":
            self._emit(PIPE, 1)
        elif letter == ",":
            self._emit(COMMA, 1)
        elif letter in "\"'`":
            self._quoted(letter)
        elif letter == "$":
            self._name(VARIABLE)
        elif letter == "." and not _is_digit(following):
            self._name(FIELD)
        elif letter in "+-." or _is_digit(letter):
            self._number()
        elif letter.isalnum() or letter == "_":
            self._name(IDENTIFIER)
        elif letter in "()":
            self._paren(letter)
        elif " " < letter < "\x7f":
            self._emit(OTHER, 1)
        else:
            raise _Problem(f"unrecognized character in action: {unicode_name(letter)}")
        return True

    def _space(self) -> None:
        """Blanks, but not the one that belongs to a trim marker behind them."""
        end = self._position
        while self._blank_at(end) and not self._text.startswith("-}}", end + 1):
            end += 1
        self._emit(SPACE, end - self._position)

    def _paren(self, letter: str) -> None:
        self._parens += 1 if letter == "(" else -1
        if self._parens < 0:
            raise _Problem("unexpected right paren")
        self._emit(letter, 1)

    def _quoted(self, quote: str) -> None:
        end = self._position + 1
        what = {'"': "quoted string", "`": "raw quoted string", "'": "character constant"}[quote]
        while True:
            letter = self._text[end : end + 1]
            if not letter or (letter == "\n" and quote != "`"):
                raise _Problem(f"unterminated {what}")
            end += 1
            if letter == quote:
                break
            if letter == "\\" and quote != "`":
                if self._text[end : end + 1] in ("", "\n"):
                    raise _Problem(f"unterminated {what}")
                end += 1
        kind = {'"': STRING, "`": RAW_STRING, "'": CHARACTER}[quote]
        self._emit(kind, end - self._position)

    def _name(self, kind: str) -> None:
        """A word, `.Field` or `$variable`; `.` alone is the dot."""
        end = self._position + (0 if kind == IDENTIFIER else 1)
        while _is_word(self._text[end : end + 1]):
            end += 1
        word = self._text[self._position : end]
        if self._text[end : end + 1] not in _BEFORE and not self._ends_name(end):
            raise _Problem(f"bad character {unicode_name(self._text[end])}")
        if word == ".":
            kind = DOT
        elif kind == IDENTIFIER:
            kind = _kind_of(word)
        self._emit(kind, end - self._position)

    def _ends_name(self, end: int) -> bool:
        return self._text[end] == "." or self._text.startswith(CLOSE, end)

    def _number(self) -> None:
        end = number_end(self._text, self._position)
        following = self._text[end : end + 1]
        if following in ("+", "-"):  # the beginning of a complex number, which nobody has
            end = max(number_end(self._text, end), end + 1)
        elif _is_word(following):
            end += 1
        text = self._text[self._position : end]
        if parse_number(text) is None:
            from lading.cli.human import quoted

            raise _Problem(f"bad number syntax: {quoted(text)}")
        self._emit(NUMBER, end - self._position)


def _kind_of(word: str) -> str:
    if word in KEYWORDS:
        return KEYWORD
    if word in ("true", "false"):
        return BOOL
    return NIL if word == "nil" else IDENTIFIER


def _is_digit(letter: str) -> bool:
    return letter.isascii() and letter.isdigit()


def _is_word(letter: str) -> bool:
    return letter == "_" or letter.isalnum()


def unicode_name(letter: str) -> str:
    """As Go's %#U: U+00E9 'é'."""
    return f"U+{ord(letter):04X}" + (f" '{letter}'" if letter.isprintable() else "")
