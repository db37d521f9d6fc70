"""The libraries that a program loads, found by the rules of its dynamic loader.

For each needed name without a slash, of the object that needs it (man 8 ld.so):

    1. DT_RPATH of the object, of who loaded it, ... of the program; not if the object has RUNPATH
    2. DT_RUNPATH of the object
    3. the cache (else the configured directories), unless NODEFLIB hides a default directory
    4. the default directories, unless NODEFLIB

A file of another class or machine is passed over. What is loaded once by name is not looked for
again. musl's loader has its own, shorter list of directories.
"""

import os
from collections import deque
from functools import cached_property
from typing import NamedTuple

from lading.errors import NotFound
from lading.images.from_host import elf
from lading.images.from_host.elf import ElfFile, Kind
from lading.images.from_host.loader_cache import read_cache, read_configuration

DEFAULT_DIRECTORIES = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
MUSL_DIRECTORIES = ("/lib", "/usr/local/lib", "/usr/lib")
# multiarch names of Debian's own default directories (loader built with them), by ELF machine
MULTIARCH = {62: "x86_64-linux-gnu", 183: "aarch64-linux-gnu", 3: "i386-linux-gnu"}


class LibraryNotFound(NotFound):
    """{0}: cannot find the library {1} that it needs"""


class Loaded(NamedTuple):
    """One object in memory: where it was found, what it says, who needed it."""

    path: str
    facts: ElfFile
    loader: "Loaded | None"

    def ancestors(self) -> "list[Loaded]":
        """Itself, who loaded it, and so on up to the program."""
        chain, current = [], self
        while True:
            chain.append(current)
            if current.loader is None:
                return chain
            current = current.loader


class Loader:
    """Searches one filesystem root; keeps what it has read, so use one for many programs."""

    def __init__(self, root: str = "/") -> None:
        self._root = root
        self._facts: dict[str, ElfFile | None] = {}

    def libraries(self, program: str) -> list[str]:
        """Paths of the interpreter and of every library, as found; empty for a static program.

        Raises LibraryNotFound, elf.NotElf, OSError.
        """
        main = Loaded(program, elf.read(self._host(program)), None)
        found: dict[str, str] = {}  # by the name that was asked for
        if main.facts.interpreter:
            found[os.path.basename(main.facts.interpreter)] = main.facts.interpreter
        waiting = deque([main])
        while waiting:
            current = waiting.popleft()
            for name in current.facts.needed:
                if name not in found and not self._is_interpreter(name, main):
                    library = self._find(name, current, main)
                    found[name] = library.path
                    waiting.append(library)
        return list(dict.fromkeys(found.values()))

    def find(self, name: str, kind: Kind) -> str | None:
        """Where a library of that name is by default, for what is opened by name at run time."""
        for path in self._default_candidates(name, kind, nodeflib=False):
            if self._read(path, kind):
                return path
        return None

    def _find(self, name: str, needing: Loaded, main: Loaded) -> Loaded:
        kind = main.facts.kind
        for path in self._candidates(name, needing, main):
            facts = self._read(path, kind)
            if facts:
                return Loaded(path, facts, needing)
        raise LibraryNotFound(needing.path, name)

    def _candidates(self, name: str, needing: Loaded, main: Loaded) -> list[str]:
        if "/" in name:
            return [name]
        paths: list[str] = []
        if not needing.facts.runpath:
            for ancestor in needing.ancestors():
                if not ancestor.facts.runpath:
                    paths += self._expanded(ancestor.facts.rpath, ancestor)
        paths += self._expanded(needing.facts.runpath, needing)
        candidates = [os.path.join(directory, name) for directory in paths]
        if _is_musl(main):
            return candidates + [os.path.join(d, name) for d in MUSL_DIRECTORIES]
        nodeflib = needing.facts.is_nodeflib
        return candidates + self._default_candidates(name, main.facts.kind, nodeflib=nodeflib)

    def _default_candidates(self, name: str, kind: Kind, *, nodeflib: bool) -> list[str]:
        defaults = [*DEFAULT_DIRECTORIES]
        if multiarch := MULTIARCH.get(kind.machine):
            defaults = [f"/lib/{multiarch}", f"/usr/lib/{multiarch}", *defaults]
        configured = self._cache.get(name, [])
        if not self._cache:
            configured = [os.path.join(directory, name) for directory in self._configured]
        if nodeflib:
            return [path for path in configured if os.path.dirname(path) not in defaults]
        return configured + [os.path.join(directory, name) for directory in defaults]

    def _expanded(self, paths: tuple[str, ...], owner: Loaded) -> list[str]:
        """$ORIGIN is the owner's directory; $LIB is tried in each of its meanings."""
        path = self._real(owner.path) if owner.loader is None else owner.path
        origin = os.path.dirname(path)
        expanded: list[str] = []
        for entry in paths:
            text = entry.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
            text = text.replace("${LIB}", "$LIB")
            names = ["lib64", "lib", f"lib/{MULTIARCH.get(owner.facts.kind.machine, '')}"]
            expanded += [text.replace("$LIB", name) for name in names] if "$LIB" in text else [text]
        return [os.path.normpath(text) for text in expanded if "$" not in text]

    def _is_interpreter(self, name: str, main: Loaded) -> bool:
        """musl's loader is the C library itself, under whatever name that is needed."""
        return _is_musl(main) and (name == "libc.so" or name.startswith("libc.musl-"))

    def _read(self, path: str, kind: Kind) -> ElfFile | None:
        """The facts of a file that can be loaded beside files of that kind, else None."""
        if path not in self._facts:
            try:
                self._facts[path] = elf.read(self._host(path))
            except (OSError, elf.NotElf):
                self._facts[path] = None
        facts = self._facts[path]
        return facts if facts and facts.kind == kind else None

    @cached_property
    def _cache(self) -> dict[str, list[str]]:
        return read_cache(self._host("/etc/ld.so.cache"))

    @cached_property
    def _configured(self) -> list[str]:
        return read_configuration(self._host("/etc/ld.so.conf"), root=self._root)

    def _host(self, path: str) -> str:
        return os.path.join(self._root, path.lstrip("/"))

    def _real(self, path: str) -> str:
        real = os.path.realpath(self._host(path))
        return "/" + os.path.relpath(real, os.path.realpath(self._root))


def _is_musl(main: Loaded) -> bool:
    return os.path.basename(main.facts.interpreter or "").startswith("ld-musl-")
