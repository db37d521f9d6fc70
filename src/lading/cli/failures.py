"""How a command ends other than well."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.cli.command import Command

USAGE_ERROR = 125  # Docker's: the engine or the command line is at fault, not the container
INTERRUPTED = 130  # 128 + SIGINT
BROKEN_PIPE = 141  # 128 + SIGPIPE


class Failure(Exception):
    """`message` goes to stderr as it is (nothing when empty), the process ends with `code`."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


class FlagError(Exception):
    """A flag is unknown or its value makes no sense; the message is pflag's."""

    path = ""  # the words that named the command, when they are not its name

    def __init__(self, message: str, command: Command) -> None:
        super().__init__(message)
        self.message = message
        self.command = command


class ArgumentError(Exception):
    """Too few or too many arguments; `{}` in the message stands for the command."""

    path = ""

    def __init__(self, message: str, command: Command) -> None:
        super().__init__(message)
        self.message = message
        self.command = command


class HelpWanted(Exception):
    """`--help` was among the flags."""

    path = ""

    def __init__(self, command: Command) -> None:
        super().__init__(command.name)
        self.command = command


class Ended(BaseException):
    """A signal ends the command: unwinds everything (the terminal comes back), then `code`."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message
