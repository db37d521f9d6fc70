"""Image configs of all writers are read; ours are written the same way each time."""

import json

import pytest

from lading.oci import config
from lading.oci.config import ExecutionConfig, ImageConfig, InvalidConfig, RootFilesystem

DIGEST = "sha256:" + "b" * 64


def test_the_nulls_of_go_are_read() -> None:
    data = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": None, "Env": None, "Volumes": None, "Labels": None, "OnBuild": None},
        "container_config": {"Cmd": ["x"]},
        "rootfs": {"type": "layers", "diff_ids": None},
        "history": None,
    }
    parsed = config.parse(json.dumps(data).encode())
    assert parsed.diff_ids == []
    assert parsed.execution == ExecutionConfig()


def test_dockers_own_fields_are_read() -> None:
    inner = {
        "Healthcheck": {"Test": ["CMD", "true"], "Interval": 1_000_000_000},
        "ArgsEscaped": True,
        "Shell": ["/bin/sh", "-c"],
        "ExposedPorts": {"80/tcp": {}},
    }
    parsed = config.parse(json.dumps({"config": inner, "rootfs": {"diff_ids": [DIGEST]}}).encode())
    assert parsed.execution.healthcheck is not None
    assert parsed.execution.healthcheck.interval == 1_000_000_000
    assert parsed.execution.exposed_ports == {"80/tcp": {}}
    assert parsed.diff_ids == [DIGEST]


@pytest.mark.parametrize(
    "data", [b"", b"null", b"[1]", b'{"rootfs":{"diff_ids":["sha256:x"]}}', b'{"os":1}']
)
def test_what_is_no_config_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidConfig):
        config.parse(data)


def test_what_is_encoded_is_read_back() -> None:
    made = ImageConfig(
        "amd64", "linux", RootFilesystem([DIGEST]), ExecutionConfig(cmd=["sh"], env=["A=b"])
    )
    assert config.parse(config.encode(made)) == made
    assert json.loads(config.encode(made))["rootfs"] == {"type": "layers", "diff_ids": [DIGEST]}
