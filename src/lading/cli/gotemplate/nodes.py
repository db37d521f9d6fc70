"""What a template is made of. `str(node)` is the node as it was written: errors quote it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Node:
    """`position` is an index into the template's text."""

    __slots__ = ("position",)

    def __init__(self, position: int) -> None:
        self.position = position


class Constant(Node):
    """A number, text or boolean; `text` is how it was spelled."""

    __slots__ = ("text", "value")

    def __init__(self, position: int, text: str, value: object) -> None:
        super().__init__(position)
        self.text = text
        self.value = value

    def __str__(self) -> str:
        return self.text


class Nil(Node):
    __slots__ = ()

    def __str__(self) -> str:
        return "nil"


class Dot(Node):
    __slots__ = ()

    def __str__(self) -> str:
        return "."


class Field(Node):
    """`.A.B`: names from the dot on."""

    __slots__ = ("names",)

    def __init__(self, position: int, names: Sequence[str]) -> None:
        super().__init__(position)
        self.names = tuple(names)

    def __str__(self) -> str:
        return "".join(f".{name}" for name in self.names)


class Variable(Node):
    """`$x.A.B`; `name` has the dollar."""

    __slots__ = ("name", "names")

    def __init__(self, position: int, name: str, names: Sequence[str] = ()) -> None:
        super().__init__(position)
        self.name = name
        self.names = tuple(names)

    def __str__(self) -> str:
        return self.name + "".join(f".{name}" for name in self.names)


class Function(Node):
    __slots__ = ("name",)

    def __init__(self, position: int, name: str) -> None:
        super().__init__(position)
        self.name = name

    def __str__(self) -> str:
        return self.name


class Chain(Node):
    """`(pipeline).A.B`."""

    __slots__ = ("names", "node")

    def __init__(self, position: int, node: Node, names: Sequence[str]) -> None:
        super().__init__(position)
        self.node = node
        self.names = tuple(names)

    def __str__(self) -> str:
        head = f"({self.node})" if isinstance(self.node, Pipeline) else str(self.node)
        return head + "".join(f".{name}" for name in self.names)


class Command(Node):
    """An operand, or a function or method with its arguments."""

    __slots__ = ("words",)

    def __init__(self, position: int, words: Sequence[Node]) -> None:
        super().__init__(position)
        self.words = tuple(words)

    def __str__(self) -> str:
        return " ".join(
            f"({word})" if isinstance(word, Pipeline) else str(word) for word in self.words
        )


class Pipeline(Node):
    """`$a, $b := command | command`; `assigns` is True for `=`."""

    __slots__ = ("assigns", "commands", "variables")

    def __init__(
        self, position: int, variables: Sequence[str], assigns: bool, commands: Sequence[Command]
    ) -> None:
        super().__init__(position)
        self.variables = tuple(variables)
        self.assigns = assigns
        self.commands = tuple(commands)

    def __str__(self) -> str:
        declared = ", ".join(self.variables)
        if declared:
            declared += " = " if self.assigns else " := "
        return declared + " | ".join(str(command) for command in self.commands)


class Text(Node):
    __slots__ = ("text",)

    def __init__(self, position: int, text: str) -> None:
        super().__init__(position)
        self.text = text


class Action(Node):
    """`{{pipeline}}`: printed, unless it declares variables."""

    __slots__ = ("pipeline",)

    def __init__(self, position: int, pipeline: Pipeline) -> None:
        super().__init__(position)
        self.pipeline = pipeline


class Branch(Node):
    """`word` is if, with or range; `otherwise` is None without an else."""

    __slots__ = ("body", "otherwise", "pipeline", "word")

    def __init__(
        self,
        position: int,
        word: str,
        pipeline: Pipeline,
        body: Sequence[Node],
        otherwise: Sequence[Node] | None,
    ) -> None:
        super().__init__(position)
        self.word = word
        self.pipeline = pipeline
        self.body = body
        self.otherwise = otherwise


class Jump(Node):
    """`{{break}}` or `{{continue}}`."""

    __slots__ = ("word",)

    def __init__(self, position: int, word: str) -> None:
        super().__init__(position)
        self.word = word


class Invocation(Node):
    """`{{template "name" pipeline}}`."""

    __slots__ = ("name", "pipeline")

    def __init__(self, position: int, name: str, pipeline: Pipeline | None) -> None:
        super().__init__(position)
        self.name = name
        self.pipeline = pipeline

    def __str__(self) -> str:
        from lading.cli.human import quoted

        argument = f" {self.pipeline}" if self.pipeline else ""
        return f"{{{{template {quoted(self.name)}{argument}}}}}"
