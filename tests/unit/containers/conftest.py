"""Containers as they are stored, made of what a test says and of nothing else."""

from collections.abc import Callable

import pytest

from lading.containers.mountpoints.record import MountRecord
from lading.containers.record import ContainerRecord, ContainerState
from lading.wire.containers import ContainerConfig
from lading.wire.host_config import HostConfig
from lading.wire.networks import NetworkingConfig

MakeRecord = Callable[..., ContainerRecord]


@pytest.fixture
def make_record() -> MakeRecord:
    """Makes records; the id is 64 times the digit that was given."""

    def make(
        digit: str = "a",
        *,
        name: str = "web",
        created_ns: int = 1,
        config: ContainerConfig | None = None,
        host: HostConfig | None = None,
        state: ContainerState | None = None,
        mounts: list[MountRecord] | None = None,
    ) -> ContainerRecord:
        return ContainerRecord(
            id=digit * 64,
            name=name,
            created_ns=created_ns,
            image_reference="base",
            image_id="sha256:" + "e" * 64,
            config=config or ContainerConfig(image="base", cmd=["true"]),
            host_config=host or HostConfig(),
            networking=NetworkingConfig(),
            mounts=mounts or [],
            state=state or ContainerState(),
        )

    return make
