"""The door of `lading-runtime`: global flags, the verb, errors and their log."""

from __future__ import annotations

import os
import sys
import time

from lading.errors import InvalidArgument, LadingError
from lading.runtime import sealing
from lading.runtime.command.flags import BadUsage, parse, usage
from lading.runtime.command.verbs import GLOBAL, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lading.runtime.command.flags import Options
    from lading.runtime.command.store import Entry


LOG_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class Invocation:
    """What the global flags said."""

    __slots__ = ("criu", "is_debugged", "log", "log_format", "root", "systemd")

    def __init__(self, options: Options) -> None:
        from lading.runtime.command.store import default_root

        self.root = os.path.abspath(
            options.text("root") or default_root(dict(os.environ), os.geteuid())
        )
        self.log = options.text("log")
        self.log_format = options.text("log-format", "text")
        manager = options.text("cgroup-manager")
        self.systemd = options.switch("systemd-cgroup") or manager == "systemd"
        self.is_debugged = options.switch("debug") or options.text("log-level") == "debug"
        if self.log_format not in ("text", "json"):
            raise BadUsage(f"invalid log-format: {self.log_format}")
        self.criu = options.text("criu", "criu")

    def entry(self, options: Options) -> Entry:
        """The container that the first word names."""
        if not options.words:
            raise InvalidArgument("container id cannot be empty")
        from lading.runtime.command.store import Entry

        return Entry(self.root, options.words[0])

    def warn(self, texts: list[str]) -> None:
        for text in texts:
            self.record("warning", text)

    def debug(self, text: str) -> None:
        if self.is_debugged:
            self.record("debug", text)

    def record(self, level: str, text: str) -> None:
        """A line for the log; warnings without a log are for stderr."""
        from lading.runtime.json_text import encode

        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f'time="{now}" level={level} msg={encode(text)}\n'
        if self.log_format == "json":
            line = encode({"level": level, "msg": text, "time": now}) + "\n"
        if not self.log:
            if level != "error":  # which `main` prints
                sys.stderr.write(line)
            return
        descriptor = os.open(self.log, LOG_FLAGS, 0o644)
        os.write(descriptor, line.encode())
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    """Run one verb; its exit status. Errors go to stderr, and as a line to --log."""
    try:
        options, rest = parse(arguments, GLOBAL, stop_after=0)
    except BadUsage as error:
        sys.stderr.write(f"lading-runtime: {error}\n")
        return 1
    if options.switch("version"):
        from lading.runtime.command.documents import version

        print(version())
        return 0
    if options.switch("help") or not rest or rest[0] in ("help", "h"):
        print(_help(rest[1] if len(rest) > 1 else ""))
        return 0
    if rest[0] not in VERBS:
        sys.stderr.write(f"No help topic for '{rest[0]}'\n")
        return 3
    if any(word in ("--help", "-h") for word in rest[1:2]):
        print(_help(rest[0]))
        return 0
    if VERBS[rest[0]].enters:  # before more is loaded: it is loaded again
        sealing.seal()
    try:
        invocation = Invocation(options)
        if invocation.log:
            os.close(os.open(invocation.log, LOG_FLAGS, 0o644))
    except (BadUsage, OSError) as error:
        sys.stderr.write(f"lading-runtime: {_text(error)}\n")
        return 1
    return _run(invocation, rest[0], rest[1:])


def _run(invocation: Invocation, name: str, words: list[str]) -> int:
    verb = VERBS[name]
    try:
        options, rest = parse(words, verb.flags, stop_after=verb.stop_after)
        options.words += rest
        if verb.enters or not sealing.is_sealed():  # else it is said already, by who was not
            invocation.debug(f"{name} {' '.join(words)}")
        # as importlib.import_module, without the modules that come with it
        module = __import__(f"lading.runtime.command.{verb.module}", fromlist=[verb.function])
        status: int = getattr(module, verb.function)(invocation, options)
    except (LadingError, OSError, ValueError, KeyError, TypeError) as error:
        text = _text(error)
        invocation.record("error", text)
        sys.stderr.write(f"lading-runtime: {text}\n")
        return verb.failure
    return status


def _text(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"missing in the configuration: {error}"
    if isinstance(error, OSError) and error.strerror:
        where = f" {error.filename}:" if error.filename else ""
        return f"{where} {error.strerror.lower()}".strip()
    return str(error)


def _help(name: str) -> str:
    if name in VERBS:
        verb = VERBS[name]
        head = f"NAME:\n   lading-runtime {name}, in place of runc {name} - {verb.help}\n\n"
        head += f"USAGE:\n   lading-runtime {name} [options] {verb.words}\n"
        return head + ("\nOPTIONS:\n" + usage(verb.flags) if verb.flags else "")
    verbs = "\n".join(f"   {name:<12}{verb.help}" for name, verb in VERBS.items())
    head = "NAME:\n   lading-runtime, in place of runc - Open Container Initiative runtime\n\n"
    head += "USAGE:\n   lading-runtime [global options] VERB [options] [words]\n\n"
    return f"{head}COMMANDS:\n{verbs}\n\nGLOBAL OPTIONS:\n{usage(GLOBAL)}"
