"""Why a program was not started: the runtime's report in dockerd's words, and the exit code."""

from lading import exit_codes
from lading.errors import InvalidArgument, LadingError, SystemFault


class CommandFailed(InvalidArgument):
    """failed to create task for container: OCI runtime create failed: \
unable to start container process: {0}"""


class StartFailed(SystemFault):
    """failed to create task for container: OCI runtime create failed: \
unable to start container process: error during container init: {0}"""


def exit_code(error: LadingError) -> int:
    """What a container that was not started has ended with; 128 where no program is to blame."""
    return exit_code_of(str(error)) if isinstance(error, CommandFailed | StartFailed) else 128


def exit_code_of(message: str) -> int:
    """The exit code of a failed start by its text: 126, 127, or 128 for all else."""
    return exit_codes.of_failed_start(message) or 128


# dockerd looks users up itself, so its runtime has no part in these errors
_OF_USER = ("unable to find user ", "unable to find group ", "uids and gids must be ")


def of_report(error: object) -> LadingError:
    """The error for what a starter has reported."""
    fields = error if isinstance(error, dict) else {"message": str(error)}
    message = str(fields.get("message", ""))
    if message.startswith(_OF_USER):
        return SystemFault(message)
    if exit_code_of(message) in (126, 127):
        return CommandFailed(message)
    return StartFailed(message)
