"""containerd's hosts.toml, and what the endpoints make of it."""

from pathlib import Path

import pytest

from lading.registry.client.endpoints import Endpoint, Settings, candidates
from lading.registry.client.hosts_toml import BadHostsFile, read
from lading.registry.client.trust import Trust

FILE = """
server = "https://registry.example"

[host."https://mirror.example:5000"]
  capabilities = ["pull", "resolve"]
  ca = "ca.pem"
  client = [["c.cert", "c.key"]]
[host."https://mirror.example:5000".header]
  x-token = ["a", "b"]

[host."http://other.example/custom"]
  skip_verify = true
  override_path = true
"""


def write(tmp_path: Path, name: str, text: str) -> Settings:
    (tmp_path / name).mkdir()
    (tmp_path / name / "hosts.toml").write_text(text)
    return Settings(certificates=str(tmp_path))


def test_hosts_come_in_the_order_of_the_file_and_the_server_last(tmp_path: Path) -> None:
    settings = write(tmp_path, "registry.example", FILE)
    first, second, last = candidates("registry.example", settings)
    assert first.url == "https://mirror.example:5000"
    assert first.headers == (("x-token", "a, b"),)
    assert first.trust == Trust(
        True,
        (str(tmp_path / "registry.example/ca.pem"),),
        ((str(tmp_path / "registry.example/c.cert"), str(tmp_path / "registry.example/c.key")),),
    )
    assert (first.is_mirror, first.namespace) == (True, "registry.example")
    assert second.root == "http://other.example/custom"
    assert last == Endpoint("https://registry.example")


def test_a_push_goes_to_hosts_that_take_pushes(tmp_path: Path) -> None:
    settings = write(tmp_path, "registry.example", FILE)
    urls = [e.url for e in candidates("registry.example", settings, capability="push")]
    assert urls == ["http://other.example/custom", "https://registry.example"]


def test_without_a_server_the_registry_itself_is_last(tmp_path: Path) -> None:
    settings = write(tmp_path, "_default", '[host."https://mirror.example"]')
    urls = [endpoint.url for endpoint in candidates("any.example", settings)]
    assert urls == ["https://mirror.example", "https://any.example"]


def test_no_file_is_no_opinion(tmp_path: Path) -> None:
    assert read(str(tmp_path / "hosts.toml")) is None
    assert candidates("a.example", Settings(certificates=str(tmp_path))) == [
        Endpoint("https://a.example")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        'server = "ftp://x"',
        "host = 1",
        '[host."https://x"]\ncapabilities = ["fly"]',
        '[host."https://x"]\nca = 1',
        '[host."https://x"]\nheader = 1',
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    settings = write(tmp_path, "h.example", text)
    with pytest.raises(BadHostsFile):
        candidates("h.example", settings)
