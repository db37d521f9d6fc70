"""`docker top`: the host's `ps`, narrowed to the processes of one container.

People give `ps` any options they like, so it is the host's program that prints: its columns are
what they expect. It runs on the host, on numbers that we give: nothing of the container is run.
"""

import asyncio
import shutil

from lading.errors import SystemFault
from lading.wire.containers import ContainerTop

DEFAULT = "-ef"


class NoPs(SystemFault):
    """exec: "ps": executable file not found in $PATH (Debian has it in package procps)"""


class PsFailed(SystemFault):
    """ps: {0}"""


class NoPidColumn(SystemFault):
    """Couldn't find PID field in ps output"""


async def top(pids: list[int], arguments: str) -> ContainerTop:
    """The processes among `pids`, as `ps` with these arguments prints them.

    Raises NoPs, PsFailed, NoPidColumn.
    """
    program = shutil.which("ps")
    if program is None:
        raise NoPs
    words = arguments.split() or [DEFAULT]
    try:
        text = await _run(program, *words, f"-q{','.join(map(str, pids))}")
    except PsFailed:  # some options exclude -q: then all processes are asked for
        text = await _run(program, *words)
    return parse(text, frozenset(pids))


async def _run(program: str, *words: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, *words, stdout=pipe, stderr=pipe)
    output, complaint = await process.communicate()
    if process.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines() or [""]
        raise PsFailed(lines[0].removeprefix("ps: "))
    return output.decode(errors="replace")


def parse(text: str, pids: frozenset[int]) -> ContainerTop:
    """The titles, and the rows of these processes; the last column may hold spaces.

    Rows without a pid (threads, with -T or -m) follow their process. Raises NoPidColumn.
    """
    lines = text.splitlines() or [""]
    titles = lines[0].split()
    if "PID" not in titles:
        raise NoPidColumn
    column = titles.index("PID")
    rows: list[list[str]] = []
    is_ours = False
    for line in lines[1:]:
        fields = line.split(None, len(titles) - 1)
        if len(fields) <= column:
            continue
        if fields[column] != "-":
            is_ours = fields[column].isdecimal() and int(fields[column]) in pids
        if is_ours:
            rows.append([field.strip() for field in fields])
    return ContainerTop(titles=titles, processes=rows)
