"""The documents spell what Docker spells, and leave out what Docker leaves out."""

import json

import pytest

from lading.wire.codec import encode
from lading.wire.containers import (
    ContainerConfig,
    ContainerCreate,
    ContainerInspect,
    ContainerSummary,
    State,
    WaitResult,
)
from lading.wire.exec import ExecInspect, ExecProcess
from lading.wire.host_config import HostConfig
from lading.wire.images import ImageInspect, ImageSummary
from lading.wire.networks import NetworkSettings
from lading.wire.system import Info

# Spelled by hand from the definitions of the Docker Engine API v1.51.
HOST_CONFIG = (
    "AutoRemove Binds BlkioDeviceReadBps BlkioDeviceReadIOps BlkioDeviceWriteBps"
    " BlkioDeviceWriteIOps BlkioWeight BlkioWeightDevice CapAdd CapDrop Cgroup CgroupParent"
    " CgroupnsMode ConsoleSize ContainerIDFile CpuCount CpuPercent CpuPeriod CpuQuota"
    " CpuRealtimePeriod CpuRealtimeRuntime CpuShares CpusetCpus CpusetMems DeviceCgroupRules"
    " DeviceRequests Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd IOMaximumBandwidth"
    " IOMaximumIOps IpcMode Isolation Links LogConfig MaskedPaths Memory MemoryReservation"
    " MemorySwap MemorySwappiness NanoCpus NetworkMode OomKillDisable OomScoreAdj PidMode"
    " PidsLimit PortBindings Privileged PublishAllPorts ReadonlyPaths ReadonlyRootfs"
    " RestartPolicy SecurityOpt ShmSize UTSMode Ulimits UsernsMode VolumeDriver VolumesFrom"
)
CONFIG = (
    "AttachStderr AttachStdin AttachStdout Cmd Domainname Entrypoint Env Hostname Image Labels"
    " OnBuild OpenStdin StdinOnce Tty User Volumes WorkingDir"
)
NETWORK_SETTINGS = (
    "Bridge EndpointID Gateway GlobalIPv6Address GlobalIPv6PrefixLen HairpinMode IPAddress"
    " IPPrefixLen IPv6Gateway LinkLocalIPv6Address LinkLocalIPv6PrefixLen MacAddress Networks"
    " Ports SandboxID SandboxKey SecondaryIPAddresses SecondaryIPv6Addresses"
)
INSPECT = (
    "AppArmorProfile Args Config Created Driver ExecIDs GraphDriver HostConfig HostnamePath"
    " HostsPath Id Image LogPath MountLabel Mounts Name NetworkSettings Path Platform"
    " ProcessLabel ResolvConfPath RestartCount State"
)
SUMMARY = (
    "Command Created HostConfig Id Image ImageID Labels Mounts Names NetworkSettings Ports"
    " State Status"
)
STATE = "Dead Error ExitCode FinishedAt OOMKilled Paused Pid Restarting Running StartedAt Status"
EXEC = (
    "CanRemove ContainerID DetachKeys ExitCode ID OpenStderr OpenStdin OpenStdout Pid"
    " ProcessConfig Running"
)
IMAGE = (
    "Architecture Author Comment Config Container ContainerConfig DockerVersion GraphDriver Id"
    " Metadata Os Parent RepoDigests RepoTags RootFS Size"
)
IMAGE_ROW = "Containers Created Id Labels ParentId RepoDigests RepoTags SharedSize Size"
INFO = (
    "Architecture CDISpecDirs CPUSet CPUShares CgroupDriver ContainerdCommit Containers"
    " ContainersPaused ContainersRunning ContainersStopped CpuCfsPeriod CpuCfsQuota Debug"
    " DefaultRuntime DockerRootDir Driver DriverStatus ExperimentalBuild GenericResources"
    " HttpProxy HttpsProxy ID IPv4Forwarding Images IndexServerAddress InitBinary InitCommit"
    " Isolation KernelVersion Labels LiveRestoreEnabled LoggingDriver MemTotal MemoryLimit NCPU"
    " NEventsListener NFd NGoroutines Name NoProxy OSType OSVersion OomKillDisable"
    " OperatingSystem PidsLimit Plugins RegistryConfig RuncCommit Runtimes SecurityOptions"
    " ServerVersion SwapLimit Swarm SystemTime Warnings"
)

inspect = ContainerInspect(
    id="1", created="", path="", args=[], state=State(status="created"), image="",
    host_config=HostConfig(), config=ContainerConfig(),
)  # fmt: skip
summary = ContainerSummary(
    id="1", names=["/a"], image="i", image_id="", command="", created=1, state="", status=""
)
process = ExecProcess(tty=False, entrypoint="ls", arguments=[])


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (HostConfig(), HOST_CONFIG),
        (ContainerConfig(), CONFIG),
        (NetworkSettings(), NETWORK_SETTINGS),
        (inspect, INSPECT),
        (summary, SUMMARY),
        (State(status="created"), STATE),
        (ExecInspect(id="1", running=False, process_config=process, container_id="2"), EXEC),
        (ImageInspect(id="1", size=0), IMAGE),
        (ImageSummary(id="1", size=0, created=0), IMAGE_ROW),
        (Info(id="x"), INFO),
        (WaitResult(status_code=0), "StatusCode"),
    ],
)
def test_an_empty_document_has_exactly_the_fields_that_docker_never_omits(
    document: object, names: str
) -> None:
    assert sorted(json.loads(encode(document))) == sorted(names.split())


def test_the_config_of_a_create_is_its_own_part() -> None:
    create = ContainerCreate(image="busybox", cmd=["ls"], host_config=HostConfig(memory=1))
    assert create.config() == ContainerConfig(image="busybox", cmd=["ls"])
