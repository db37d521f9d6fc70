"""The table of containers."""

from __future__ import annotations

import pytest

from lading.cli.commands import ps
from lading.cli.commands.ps import COMMAND, PsArguments
from lading.cli.parser import parse

NOW = 1_700_000_000.0
WEB = {
    "Id": "4b0c" * 16,
    "Names": ["/web", "/other/alias"],
    "Image": "busybox",
    "ImageID": "sha256:" + "ab" * 32,
    "Command": "httpd -f -p 8080 -h /srv/www",
    "Created": int(NOW) - 180,
    "State": "running",
    "Status": "Up 3 minutes",
    "Ports": [{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}],
    "Labels": {"b": "2", "a": "1"},
    "SizeRw": 2000,
    "SizeRootFs": 4_000_000,
    "Mounts": [{"Source": "/very/long/path/of/the/host", "Driver": ""}],
    "NetworkSettings": {"Networks": {"bridge": {}}},
}


def shown(*words: str, **changes: object) -> str:
    return ps.render([WEB | changes], parse(words, COMMAND, PsArguments()), NOW)


def test_the_table() -> None:
    assert shown() == (
        "CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS         "
        "PORTS                  NAMES\n"
        '4b0c4b0c4b0c   busybox   "httpd -f -p 8080 -h…"   3 minutes ago   Up 3 minutes   '
        "0.0.0.0:8080->80/tcp   web\n"
    )


def test_ids_only() -> None:
    assert shown("-q") == "4b0c4b0c4b0c\n"
    assert shown("-q", "--no-trunc") == "4b0c" * 16 + "\n"


def test_nothing_is_cut_when_asked() -> None:
    assert '"httpd -f -p 8080 -h /srv/www"' in shown("--no-trunc")
    assert "web,other/alias" in shown("--no-trunc")


def test_sizes_are_a_column_of_their_own() -> None:
    assert shown("-s").splitlines()[1].endswith("web       2kB (virtual 4MB)")
    assert ps.wants_size(parse(["--format", "{{.Size}}"], COMMAND, PsArguments()))


def test_every_field_can_be_asked_for() -> None:
    fields = ps.fields(NOW, truncated=True)
    names = [name for name in fields if not fields[name].takes]
    line = shown("--format", "|".join(f"{{{{.{name}}}}}" for name in names))
    assert "a=1,b=2" in line
    assert "/very/long/pat…" in line
    assert "bridge" in line


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("", "<no image>"),
        ("sha256:" + "ab" * 32, "ab" * 6),
        ("x:1@sha256:" + "cd" * 32, "x:1"),
        ("x@sha256:" + "cd" * 32, "x@sha256:" + "cd" * 32),
    ],
)
def test_images(image: str, expected: str) -> None:
    assert shown("--format", "{{.Image}}", Image=image) == f"{expected}\n"


def port(private: int, public: int = 0, ip: str = "", kind: str = "tcp") -> dict[str, object]:
    published = {"PublicPort": public, "IP": ip} if public else {}
    return {"PrivatePort": private, "Type": kind} | published


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        ([], ""),
        ([port(80), port(81), port(83)], "80-81/tcp, 83/tcp"),
        (
            [port(80, 8080, "0.0.0.0"), port(80, 8080, "::")],
            "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp",
        ),
        ([port(81, 8001, "1.1.1.1"), port(80, 8000, "1.1.1.1")], "1.1.1.1:8000-8001->80-81/tcp"),
        (
            [port(80, 8000, "1.1.1.1"), port(81, 9000, "1.1.1.1")],
            "1.1.1.1:8000->80/tcp, 1.1.1.1:9000->81/tcp",
        ),
        ([port(53, kind="udp"), port(53)], "53/tcp, 53/udp"),
    ],
)
def test_ports(published: list[dict[str, object]], expected: str) -> None:
    assert ps.ports(published) == expected
