"""What a program needs besides itself: interpreters, libraries, and what is opened by name."""

import os

from lading.images.from_host import elf
from lading.images.from_host.loader import Loader
from lading.images.from_host.tree import ProgramNotFound, Tree

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEEPEST_SCRIPT = 4  # BINPRM: interpreters of interpreters that the kernel follows
SHEBANG_LIMIT = 256  # bytes, BINPRM_BUF_SIZE of the kernel
# The name service of glibc opens these by name: without them `id` and `ls -l` show numbers.
OPENED_BY_NAME = ("libnss_files.so.2", "libnss_dns.so.2")


def locate(tool: str, *, root: str = "/", search_path: str = SEARCH_PATH) -> str:
    """Where the shell would find the tool; a path stays itself. Raises ProgramNotFound."""
    if "/" in tool:
        candidates = [os.path.join("/", tool)]
    else:
        candidates = [os.path.join(directory, tool) for directory in search_path.split(":")]
    for candidate in candidates:
        on_host = os.path.join(root, candidate.lstrip("/"))
        if os.path.isfile(on_host) and os.access(on_host, os.X_OK):
            return candidate
    raise ProgramNotFound(tool)


def add_program(tree: Tree, loader: Loader, path: str, *, root: str = "/", depth: int = 0) -> None:
    """Add the program at `path` with all that it needs to start.

    Raises ProgramNotFound, loader.LibraryNotFound, elf.NotElf.
    """
    if depth > DEEPEST_SCRIPT:
        raise ProgramNotFound(path)
    real = tree.add_host_file(path)
    on_host = os.path.join(root, real.lstrip("/"))
    if elf.is_elf(on_host):
        for library in loader.libraries(real):
            tree.add_host_file(library)
        return
    for interpreter in _interpreters(on_host, root):
        add_program(tree, loader, interpreter, root=root, depth=depth + 1)


def add_opened_by_name(tree: Tree, loader: Loader, program: str, *, root: str = "/") -> None:
    """Add what the C library of that program opens while it runs, where the host has it."""
    on_host = os.path.join(root, program.lstrip("/"))
    if not elf.is_elf(on_host):
        return
    kind = elf.read(on_host).kind
    for name in OPENED_BY_NAME:
        if path := loader.find(name, kind):
            tree.add_host_file(path)


def _interpreters(script: str, root: str) -> list[str]:
    """The programs that `#!` names: the interpreter, and what `env` is told to look for.

    A file without `#!` is given to the shell by whoever runs it: nothing more is needed.
    """
    with open(script, "rb") as file:
        first = file.read(SHEBANG_LIMIT).partition(b"\n")[0]
    if not first.startswith(b"#!"):
        return []
    words = os.fsdecode(first[2:]).split()
    found = words[:1]
    if words and os.path.basename(words[0]) == "env":
        named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        found += [locate(word, root=root) for word in named[:1]]
    return found
