"""Documents of the API as the types that Docker's templates see.

JSON leaves out what is empty; a template must still find it: `{{if .State.Health}}` of a container
without health check is false, not an error. So each type has a shape: its fields in Go's order,
under Go's names, with what they are when the document lacks them.

    Name            a text          Name:i  number     Name:b  boolean    Name:d  duration
    Name=json       other JSON name Name:l  list       Name:m  map        Name:t  time
    Name:T:x.Y      struct x.Y      Name:*x.Y pointer to it (nil when absent)
    Name:[]x.Y      list of structs Name:{}x.Y map of structs             Name:*  pointer to a value

Loaded only when a format is a template. Source: docker/docker API types of version 28.
"""

from __future__ import annotations

from lading.cli.go_types import Duration, Time
from lading.cli.gotemplate.errors import CallProblem, NoSuchField
from lading.cli.gotemplate.values import NIL_LIST, NIL_MAP, NilPointer, Object, StringMap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from lading.sdk.request import Document

_TEXTS = {
    "container.InspectResponse": """
        ID=Id Created Path Args:l State:*container.State Image ResolvConfPath HostnamePath
        HostsPath LogPath Name RestartCount:i Driver Platform MountLabel ProcessLabel
        AppArmorProfile ExecIDs:l HostConfig:*container.HostConfig GraphDriver:T:storage.DriverData
        SizeRw:* SizeRootFs:* Mounts:[]container.MountPoint Config:*container.Config
        NetworkSettings:*container.NetworkSettings ImageManifestDescriptor:*
        """,
    "container.State": """
        Status Running:b Paused:b Restarting:b OOMKilled:b Dead:b Pid:i ExitCode:i Error StartedAt
        FinishedAt Health:*container.Health
        """,
    "container.Health": "Status FailingStreak:i Log:[]container.HealthcheckResult",
    "container.HealthcheckResult": "Start:t End:t ExitCode:i Output",
    "container.Config": """
        Hostname Domainname User AttachStdin:b AttachStdout:b AttachStderr:b ExposedPorts:m Tty:b
        OpenStdin:b StdinOnce:b Env:l Cmd:l Healthcheck:*v1.HealthcheckConfig ArgsEscaped:b Image
        Volumes:m WorkingDir Entrypoint:l NetworkDisabled:b MacAddress OnBuild:l Labels:m
        StopSignal StopTimeout:* Shell:l
        """,
    "v1.HealthcheckConfig": """
        Test:l Interval:d Timeout:d StartPeriod:d StartInterval:d Retries:i
        """,
    "container.HostConfig": """
        Binds:l ContainerIDFile LogConfig:T:container.LogConfig NetworkMode
        PortBindings:{}[]nat.PortBinding RestartPolicy:T:container.RestartPolicy AutoRemove:b
        VolumeDriver VolumesFrom:l ConsoleSize:l Annotations:m CapAdd:l CapDrop:l CgroupnsMode
        DNS=Dns:l DNSOptions=DnsOptions:l DNSSearch=DnsSearch:l ExtraHosts:l GroupAdd:l IpcMode
        Cgroup Links:l OomScoreAdj:i PidMode Privileged:b PublishAllPorts:b ReadonlyRootfs:b
        SecurityOpt:l StorageOpt:m Tmpfs:m UTSMode UsernsMode ShmSize:i Sysctls:m Runtime Isolation
        CPUShares=CpuShares:i Memory:i NanoCPUs=NanoCpus:i CgroupParent BlkioWeight:i
        BlkioWeightDevice:l BlkioDeviceReadBps:l BlkioDeviceWriteBps:l BlkioDeviceReadIOps:l
        BlkioDeviceWriteIOps:l CPUPeriod=CpuPeriod:i CPUQuota=CpuQuota:i
        CPURealtimePeriod=CpuRealtimePeriod:i CPURealtimeRuntime=CpuRealtimeRuntime:i CpusetCpus
        CpusetMems Devices:[]container.DeviceMapping DeviceCgroupRules:l
        DeviceRequests:[]container.DeviceRequest KernelMemory:i KernelMemoryTCP:i
        MemoryReservation:i MemorySwap:i MemorySwappiness:* OomKillDisable:* PidsLimit:*
        Ulimits:[]container.Ulimit CPUCount=CpuCount:i CPUPercent=CpuPercent:i IOMaximumIOps:i
        IOMaximumBandwidth:i Mounts:[]mount.Mount MaskedPaths:l ReadonlyPaths:l Init:*
        """,
    "container.LogConfig": "Type Config:m",
    "container.RestartPolicy": "Name MaximumRetryCount:i",
    "container.DeviceMapping": "PathOnHost PathInContainer CgroupPermissions",
    "container.DeviceRequest": "Driver Count:i DeviceIDs:l Capabilities:l Options:m",
    "container.Ulimit": "Name Hard:i Soft:i",
    "mount.Mount": """
        Type Source Target ReadOnly:b Consistency BindOptions:*mount.BindOptions
        VolumeOptions:*mount.VolumeOptions ImageOptions:*mount.ImageOptions
        TmpfsOptions:*mount.TmpfsOptions ClusterOptions:*
        """,
    "mount.BindOptions": """
        Propagation NonRecursive:b CreateMountpoint:b ReadOnlyNonRecursive:b
        ReadOnlyForceRecursive:b
        """,
    "mount.VolumeOptions": "NoCopy:b Labels:m Subpath DriverConfig:*mount.Driver",
    "mount.Driver": "Name Options:m",
    "mount.ImageOptions": "Subpath",
    "mount.TmpfsOptions": "SizeBytes:i Mode:i Options:l",
    "nat.PortBinding": "HostIP=HostIp HostPort",
    "container.MountPoint": "Type Name Source Destination Driver Mode RW:b Propagation",
    "container.NetworkSettings": """
        Bridge SandboxID SandboxKey Ports:{}[]nat.PortBinding HairpinMode:b LinkLocalIPv6Address
        LinkLocalIPv6PrefixLen:i SecondaryIPAddresses:l SecondaryIPv6Addresses:l EndpointID Gateway
        GlobalIPv6Address GlobalIPv6PrefixLen:i IPAddress IPPrefixLen:i IPv6Gateway MacAddress
        Networks:{}*network.EndpointSettings
        """,
    "network.EndpointSettings": """
        IPAMConfig:*network.EndpointIPAMConfig Links:l Aliases:l MacAddress DriverOpts:m
        GwPriority:i NetworkID EndpointID Gateway IPAddress IPPrefixLen:i IPv6Gateway
        GlobalIPv6Address GlobalIPv6PrefixLen:i DNSNames:l
        """,
    "network.EndpointIPAMConfig": "IPv4Address IPv6Address LinkLocalIPs:l",
    "storage.DriverData": "Data:m Name",
    "image.InspectResponse": """
        ID=Id RepoTags:l RepoDigests:l Parent Comment Created DockerVersion Author
        Config:*v1.DockerOCIImageConfig Architecture Variant Os OsVersion Size:i VirtualSize:i
        GraphDriver:T:storage.DriverData RootFS:T:image.RootFS Metadata:T:image.Metadata
        Descriptor:* Manifests:l
        """,
    "v1.DockerOCIImageConfig": """
        User ExposedPorts:m Env:l Entrypoint:l Cmd:l Volumes:m WorkingDir Labels:m StopSignal
        ArgsEscaped:b Healthcheck:*v1.HealthcheckConfig OnBuild:l Shell:l
        """,
    "image.RootFS": "Type Layers:l",
    "image.Metadata": "LastTagTime:t",
    "network.Inspect": """
        Name ID=Id Created:t Scope Driver EnableIPv4:b EnableIPv6:b IPAM:T:network.IPAM Internal:b
        Attachable:b Ingress:b ConfigFrom:T:network.ConfigReference ConfigOnly:b
        Containers:{}network.EndpointResource Options:m Labels:m Peers:l Services:m
        """,
    "network.IPAM": "Driver Options:m Config:[]network.IPAMConfig",
    "network.IPAMConfig": "Subnet IPRange Gateway AuxAddress=AuxiliaryAddresses:m",
    "network.ConfigReference": "Network",
    "network.EndpointResource": "Name EndpointID MacAddress IPv4Address IPv6Address",
    "volume.Volume": """
        ClusterVolume:* CreatedAt Driver Labels:m Mountpoint Name Options:m Scope Status:m
        UsageData:*volume.UsageData
        """,
    "volume.UsageData": "RefCount:i Size:i",
    "events.Message": """
        Status=status ID=id From=from Type Action Actor:T:events.Actor Scope=scope Time=time:i
        TimeNano=timeNano:i
        """,
    "events.Actor": "ID Attributes:m",
    "system.versionInfo": "Client:T:system.clientVersion Server:*types.Version",
    "system.clientVersion": """
        Platform:*system.platformInfo Version APIVersion=ApiVersion DefaultAPIVersion GitCommit
        GoVersion PythonVersion Os Arch BuildTime Context Host
        """,
    "system.platformInfo": "Name",
    "types.Version": """
        Platform:T:system.platformInfo Components:[]types.ComponentVersion Version
        APIVersion=ApiVersion MinAPIVersion GitCommit GoVersion Os Arch KernelVersion
        Experimental:b BuildTime
        """,
    "types.ComponentVersion": "Name Version Details:m",
    "system.dockerInfo": """
        ID Containers:i ContainersRunning:i ContainersPaused:i ContainersStopped:i Images:i Driver
        DriverStatus:l SystemStatus:l Plugins:T:system.PluginsInfo MemoryLimit:b SwapLimit:b
        KernelMemory:b KernelMemoryTCP:b CPUCfsPeriod=CpuCfsPeriod:b CPUCfsQuota=CpuCfsQuota:b
        CPUShares:b CPUSet:b PidsLimit:b IPv4Forwarding:b Debug:b NFd:i OomKillDisable:b
        NGoroutines:i SystemTime LoggingDriver CgroupDriver CgroupVersion NEventsListener:i
        KernelVersion OperatingSystem OSVersion OSType Architecture IndexServerAddress
        RegistryConfig:*registry.ServiceConfig NCPU:i MemTotal:i GenericResources:l DockerRootDir
        HTTPProxy=HttpProxy HTTPSProxy=HttpsProxy NoProxy Name Labels:l ExperimentalBuild:b
        ServerVersion Runtimes:{}system.RuntimeWithStatus DefaultRuntime Swarm:T:swarm.Info
        LiveRestoreEnabled:b Isolation InitBinary ContainerdCommit:T:system.Commit
        RuncCommit:T:system.Commit InitCommit:T:system.Commit SecurityOptions:l ProductLicense
        DefaultAddressPools:l FirewallBackend:*system.FirewallInfo CDISpecDirs:l
        DiscoveredDevices:l Containerd:*system.ContainerdInfo Warnings:l ServerErrors:l
        UserName ClientInfo:*system.clientInfo ClientErrors:l
        """,
    "system.clientInfo": """
        Debug:b Platform:*system.platformInfo Version GitCommit GoVersion PythonVersion Os Arch
        BuildTime Context Plugins:l Warnings:l Host
        """,
    "system.PluginsInfo": "Volume:l Network:l Authorization:l Log:l",
    "system.RuntimeWithStatus": "Path=path Args=runtimeArgs:l Type=runtimeType Options=options:m "
    "Status=status:m",
    "system.Commit": "ID",
    "system.FirewallInfo": "Driver Info:l",
    "system.ContainerdInfo": "Address Namespaces:T:system.ContainerdNamespaces",
    "system.ContainerdNamespaces": "Containers Plugins",
    "registry.ServiceConfig": """
        AllowNondistributableArtifactsCIDRs:l AllowNondistributableArtifactsHostnames:l
        InsecureRegistryCIDRs:l IndexConfigs:{}registry.IndexInfo Mirrors:l
        """,
    "registry.IndexInfo": "Name Mirrors:l Secure:b Official:b",
    "swarm.Info": """
        NodeID NodeAddr LocalNodeState ControlAvailable:b Error RemoteManagers:l Nodes:i Managers:i
        Cluster:*swarm.ClusterInfo Warnings:l
        """,
    "swarm.ClusterInfo": "ID",
}

_EMPTY = {"": "", "i": 0, "b": False}
_shapes: dict[str, dict[str, tuple[str, str]]] = {}


def fields_of(go_type: str) -> dict[str, tuple[str, str]]:
    """Go's name -> (name in JSON, kind)."""
    if go_type not in _shapes:
        shape = {}
        for word in _TEXTS[go_type].split():
            names, _, kind = word.partition(":")
            name, _, in_json = names.partition("=")
            shape[name] = (in_json or name, kind)
        _shapes[go_type] = shape
    return _shapes[go_type]


class Shaped(Object):
    """A document seen as a Go type."""

    def __init__(self, go_type: str, document: Document) -> None:
        self.go_type = go_type
        self.document = document
        self._fields = fields_of(go_type.removeprefix("*"))

    def look_up(self, name: str, arguments: Sequence[object] | None) -> object:
        if name not in self._fields:
            raise NoSuchField(name)
        if arguments is not None:
            raise CallProblem(f"{name} has arguments but cannot be invoked as function")
        in_json, kind = self._fields[name]
        return as_kind(self.document.get(in_json), kind)

    def to_json(self) -> object:
        return self.document

    def members(self) -> Sequence[object]:
        return [self.look_up(name, None) for name in self._fields]


def as_kind(value: object, kind: str) -> object:
    """A JSON value as the field's type; None is the type's empty value."""
    if kind in _EMPTY:
        return _EMPTY[kind] if value is None else value
    if kind == "l":
        return NIL_LIST if value is None else value
    if kind == "m":
        return NIL_MAP if value is None else StringMap(_dict(value))
    if kind == "d":
        return Duration(value if isinstance(value, int) else 0)
    if kind == "t":
        return Time(value if isinstance(value, str) else "")
    if kind.startswith("[]"):
        if value is None:
            return NIL_LIST
        return [as_kind(item, _struct(kind[2:])) for item in _list(value)]
    if kind.startswith("{}"):
        if value is None:
            return NIL_MAP
        return {key: as_kind(item, _struct(kind[2:])) for key, item in _dict(value).items()}
    if kind.startswith("*"):
        return _pointed(value, kind[1:])
    return Shaped(kind.removeprefix("T:"), _dict(value))


def _struct(kind: str) -> str:
    """What is in a list or map: lists and pointers stay, a type's name is a struct."""
    return kind if kind.startswith(("[]", "*")) else f"T:{kind}"


def _pointed(value: object, go_type: str) -> object:
    if value is None:
        return NilPointer(f"*{go_type}" if go_type else "*int")
    return Shaped(go_type, value) if go_type and isinstance(value, dict) else value


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
