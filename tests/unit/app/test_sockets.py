"""The socket's group and the certificates, from flags."""

import os

import pytest

from lading.app import sockets
from lading.http import UnixListener


def test_a_group_is_named_or_numbered() -> None:
    assert sockets.listeners(["unix:///a"], {}, None, "root") == [UnixListener("/a", gid=0)]
    assert sockets.listeners(["unix:///a"], {}, None, "42") == [UnixListener("/a", gid=42)]
    with pytest.raises(SystemExit, match="group no-such-group not found"):
        sockets.listeners(["unix:///a"], {}, None, "no-such-group")


def test_without_tls_flags_there_are_no_certificates() -> None:
    assert sockets.certificates({"tls": None, "debug": True}) is None


def test_certificates_that_are_not_there_are_named() -> None:
    here = os.path.dirname(__file__)
    with pytest.raises(SystemExit, match=r"could not load TLS files .*ca\.pem"):
        sockets.certificates({"tlsverify": True, "tlscert": f"{here}/none.pem"})
