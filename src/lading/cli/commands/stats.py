"""`lading stats`: what containers use, as it changes.

Each container is watched by a thread of its own, which keeps the newest sample; the main thread
draws. Without names, containers that start appear and those that end go.
"""

from __future__ import annotations

import sys
import time

from lading.cli import figures, format, progress
from lading.cli.command import Command
from lading.cli.flags import BOOL, STRING, Flag
from lading.cli.parser import Arguments, parse
from lading.errors import LadingError
from lading.sdk import containers, json_stream, system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lading.cli.session import Session
    from lading.sdk.request import Document

COMMAND = Command(
    "stats",
    "[OPTIONS] [CONTAINER...]",
    "Display a live stream of container(s) resource usage statistics",
    (
        Flag("all", "a", BOOL, "Show all containers (default shows just running)"),
        Flag("format", "", STRING, "Format output: 'table', 'json', or a template"),
        Flag("no-stream", "", BOOL, "Disable streaming stats and only pull the first result"),
        Flag("no-trunc", "", BOOL, "Do not truncate output"),
    ),
    aliases=("container stats", "stats"),
)

REFRESH_S = 0.5
PATIENCE_S = 5.0  # a first sample takes the engine up to two seconds
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"  # ECMA-48


class StatsArguments(Arguments):
    all: bool
    format: str
    no_stream: bool
    no_trunc: bool


def run(session: Session, words: Sequence[str]) -> int:
    args = parse(words, COMMAND, StatsArguments())
    board = Board(session)
    for name in args.words or _listed(session, args):
        board.watch(name)
    board.wait_for_first()
    board.raise_problem(is_asked=bool(args.words))
    if args.no_stream:
        sys.stdout.write(_drawn(board, args))
        return 0
    if not args.words:
        board.follow_events(wants_all=args.all)
    moves = progress.can_move_cursor(sys.stdout, session.environ) and not args.format
    while True:
        _show(_drawn(board, args), moves=moves)
        if args.words and board.is_over():
            return 0
        time.sleep(REFRESH_S)


def _listed(session: Session, args: StatsArguments) -> list[str]:
    return [found["Id"] for found in session.run(containers.list_(all=args.all))]


def _drawn(board: Board, args: StatsArguments) -> str:
    shown = figures.fields(truncated=not args.no_trunc)
    rows = board.rows()
    return format.rows(rows, shown, args.format, figures.COLUMNS, go_type="*container.statsContext")


def _show(text: str, *, moves: bool) -> None:
    """In place on a terminal; elsewhere one drawing after the other."""
    if moves:
        lines = "".join(f"{line}{_CLEAR_LINE}\n" for line in text.splitlines())
        text = f"{_HOME}{lines}{_CLEAR_BELOW}"
    sys.stdout.write(text)
    sys.stdout.flush()


class Board:
    """Rows by container, filled by threads. A row: `{"asked", "id", "name", "sample", "seen"}`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rows: dict[str, Document] = {}
        self._problems: dict[str, LadingError] = {}

    def watch(self, name: str) -> None:
        if name not in self._rows:
            row = {"asked": name, "id": name if len(name) == 64 else "", "name": "", "sample": None}
            self._rows[name] = row | {"seen": 0, "ended": False}
            self._start(lambda: self._follow(name, self._rows[name]))

    def _start(self, work: Callable[[], None]) -> None:
        import _thread

        _thread.start_new_thread(work, ())

    def _follow(self, name: str, row: Document) -> None:
        client = self._session.client.another()
        try:
            stream = client.run(containers.stats(name))
            for sample in json_stream.documents(stream.chunks()):
                row["id"] = sample.get("id") or row["id"]
                row["name"] = (sample.get("name") or "").removeprefix("/")
                # a container that does not run has no system_cpu_usage, and nothing to show
                is_running = bool((sample.get("cpu_stats") or {}).get("system_cpu_usage"))
                row["sample"] = sample if is_running or row["seen"] else None
                row["seen"] += 1
                if not is_running and row["seen"] == 1:
                    row["seen"] = 2
        except LadingError as error:
            self._problems[name] = error
        except (OSError, ValueError):
            pass  # the engine went away: the row ends
        finally:
            row["ended"] = True

    def wait_for_first(self) -> None:
        """Until each has two samples (the CPU's share needs both), ended, or patience did."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if all(row["seen"] > 1 or row["ended"] for row in list(self._rows.values())):
                return
            time.sleep(0.02)

    def raise_problem(self, *, is_asked: bool) -> None:
        """A container that was named and is not there; listed ones may go meanwhile."""
        for problem in self._problems.values():
            if is_asked:
                raise problem

    def rows(self) -> list[Document]:
        return [row for name, row in list(self._rows.items()) if name not in self._problems]

    def is_over(self) -> bool:
        return all(row["ended"] for row in self._rows.values())

    def follow_events(self, *, wants_all: bool) -> None:
        """Containers come and go with what happens."""
        self._start(lambda: self._hear(wants_all))

    def _hear(self, wants_all: bool) -> None:
        client = self._session.client.another()
        try:
            stream = client.run(system.events(filters={"type": ["container"]}))
            for event in json_stream.documents(stream.chunks()):
                action, identity = event.get("Action"), event["Actor"]["ID"]
                if action == "start" or (wants_all and action == "create"):
                    if self._rows.get(identity, {}).get("ended"):
                        del self._rows[identity]
                    self.watch(identity)
                elif action == "destroy" or (action == "die" and not wants_all):
                    self._rows.pop(identity, None)
        except (LadingError, OSError, ValueError):
            return  # the rows that are there stay
