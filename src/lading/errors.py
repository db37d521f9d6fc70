"""The taxonomy of errors: one class says who is wrong, and with it the HTTP status.

Rooms subclass these where they raise; the docstring of a concrete class is its message template.
An exception that is none of these is a bug: the API answers 500 and logs the traceback.
This module imports nothing and is imported by everything.

    LadingError
    +-- InvalidArgument   400   the request makes no sense
    +-- Unauthorized      401   who are you
    +-- PermissionDenied  403   not allowed, whoever you are
    +-- NotFound          404   no such thing
    +-- Conflict          409   not in this state, or the name is taken
    +-- NotModified       304   already so; no body
    +-- SystemFault       500   the host failed us (disk full, kernel refused); state is as before
    +-- NotSupported      501   this host or this version cannot
    +-- Unavailable       503   try again later
"""


class LadingError(Exception):
    """{0}"""

    status = 500

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)

    def __str__(self) -> str:
        return (type(self).__doc__ or "{0}").format(*self.args)


class InvalidArgument(LadingError):
    """{0}"""

    status = 400


class Unauthorized(LadingError):
    """{0}"""

    status = 401


class PermissionDenied(LadingError):
    """{0}"""

    status = 403


class NotFound(LadingError):
    """{0}"""

    status = 404


class Conflict(LadingError):
    """{0}"""

    status = 409


class NotModified(LadingError):
    """{0}"""

    status = 304


class SystemFault(LadingError):
    """{0}"""

    status = 500


class NotSupported(LadingError):
    """{0}"""

    status = 501


class Unavailable(LadingError):
    """{0}"""

    status = 503
