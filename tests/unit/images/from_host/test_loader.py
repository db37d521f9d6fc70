"""Libraries are found where the dynamic loader of this host finds them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lading.images.from_host import elf, loader_cache
from lading.images.from_host.loader import LibraryNotFound, Loader

PROGRAMS = ("/bin/ls", "/bin/bash", "/bin/ps", "/bin/tar", "/usr/bin/python3", "/usr/bin/perl")


def told_by_ldd(program: str) -> set[str]:
    output = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    words = [line.split() for line in output.splitlines()]
    found = [line[2] if "=>" in line else line[0] for line in words]
    return {os.path.realpath(path) for path in found if path.startswith("/")}


@pytest.mark.parametrize("program", [path for path in PROGRAMS if os.path.exists(path)])
def test_the_libraries_are_those_that_ldd_tells(program: str) -> None:
    found = {os.path.realpath(path) for path in Loader().libraries(program)}
    assert found == told_by_ldd(program)


def test_a_file_that_is_no_elf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\x7fELF")
    with pytest.raises(elf.NotElf, match="truncated"):
        elf.read(str(tmp_path / "x"))
    (tmp_path / "x").write_bytes(b"#!/bin/sh\n" * 10)
    with pytest.raises(elf.NotElf, match="no ELF header"):
        elf.read(str(tmp_path / "x"))


def test_any_truncation_of_a_program_is_read_or_refused(tmp_path: Path) -> None:
    data = Path("/bin/true").read_bytes()
    for length in (*range(0, 1200, 7), *range(1200, len(data), 997)):
        (tmp_path / "x").write_bytes(data[:length])
        try:
            elf.read(str(tmp_path / "x"))
        except elf.NotElf:
            continue


needs_compiler = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")


def compile_program(directory: Path, *flags: str) -> Path:
    """A program that needs libb, which needs liba; libb is in lib/, liba in lib/deep/."""
    (directory / "lib" / "deep").mkdir(parents=True)
    a, b = directory / "lib/deep/liba.so", directory / "lib/libb.so"
    (directory / "a.c").write_text("int a(void) { return 0; }\n")
    (directory / "b.c").write_text("int a(void); int b(void) { return a(); }\n")
    (directory / "main.c").write_text("int b(void); int main(void) { return b(); }\n")
    gcc = ["gcc", "-w"]
    subprocess.run([*gcc, "-shared", "-fPIC", "-o", a, directory / "a.c"], check=True)
    needs_a = ["-L", str(directory / "lib/deep"), "-la"]
    subprocess.run([*gcc, "-shared", "-fPIC", "-o", b, directory / "b.c", *needs_a], check=True)
    program = directory / "main"
    links = ["-L", str(directory / "lib"), "-lb", f"-Wl,-rpath-link,{directory}/lib/deep"]
    subprocess.run([*gcc, "-o", program, directory / "main.c", *links, *flags], check=True)
    return program


@needs_compiler
def test_rpath_serves_the_libraries_of_libraries(tmp_path: Path) -> None:
    flags = ["-Wl,--disable-new-dtags", "-Wl,-rpath,$ORIGIN/lib:$ORIGIN/lib/deep"]
    program = compile_program(tmp_path, *flags)
    found = Loader().libraries(str(program))
    assert str(tmp_path / "lib/deep/liba.so") in found
    assert {os.path.realpath(path) for path in found} == told_by_ldd(str(program))


@needs_compiler
def test_runpath_serves_the_program_only(tmp_path: Path) -> None:
    flags = ["-Wl,--enable-new-dtags", "-Wl,-rpath,$ORIGIN/lib:$ORIGIN/lib/deep"]
    program = compile_program(tmp_path, *flags)
    with pytest.raises(LibraryNotFound, match=r"libb.so: cannot find the library liba.so"):
        Loader().libraries(str(program))


@needs_compiler
def test_a_static_program_needs_nothing(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 0; }\n")
    program = tmp_path / "main"
    subprocess.run(["gcc", "-static", "-o", program, tmp_path / "main.c"], check=True)
    assert Loader().libraries(str(program)) == []


def test_the_cache_of_this_host_names_its_c_library() -> None:
    cache = loader_cache.read_cache("/etc/ld.so.cache")
    assert any(os.path.realpath(path) == os.path.realpath(
        next(p for p in Loader().libraries("/bin/ls") if "libc.so" in p)
    ) for path in cache["libc.so.6"])  # fmt: skip
    assert loader_cache.parse_cache(b"garbage") == {}


def test_included_configuration_is_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "etc/conf.d").mkdir(parents=True)
    (tmp_path / "etc/ld.so.conf").write_text("include conf.d/*.conf  # all\n/last /opt\n")
    (tmp_path / "etc/conf.d/b.conf").write_text("/b\n/a\n")
    (tmp_path / "etc/conf.d/a.conf").write_text("# none\n/a\ninclude /etc/ld.so.conf\n")
    read = loader_cache.read_configuration(str(tmp_path / "etc/ld.so.conf"), root=str(tmp_path))
    assert [path for path in read if path in ("/a", "/b")] == ["/a", "/b"]
