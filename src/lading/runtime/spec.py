"""Shapes of the OCI runtime spec (v1.3.0) that we read, and of a spawn request.

For type checkers only: nobody imports this when the program runs. All keys are optional, as most
are in the standard; `plan.py` says which are refused. Extensions of ours are marked.
"""

from typing import Any, NotRequired, TypedDict


class User(TypedDict, total=False):
    uid: int
    gid: int
    umask: int
    additionalGids: list[int]
    username: str  # ours: "user[:group]" looked up in the root's /etc/passwd and /etc/group
    groupAdd: list[str]  # ours: names or numbers of more groups


class Size(TypedDict):
    height: int
    width: int


class Rlimit(TypedDict):
    type: str
    soft: int
    hard: int


class Capabilities(TypedDict, total=False):
    bounding: list[str]
    effective: list[str]
    inheritable: list[str]
    permitted: list[str]
    ambient: list[str]


class Process(TypedDict, total=False):
    terminal: bool
    consoleSize: Size
    user: User
    args: list[str]
    env: list[str]
    cwd: str
    capabilities: Capabilities
    rlimits: list[Rlimit]
    noNewPrivileges: bool
    apparmorProfile: str
    selinuxLabel: str
    oomScoreAdj: int
    scheduler: dict[str, Any]
    ioPriority: dict[str, Any]
    execCPUAffinity: dict[str, str]


class Root(TypedDict, total=False):
    path: str
    readonly: bool


class IdMapping(TypedDict):
    containerID: int
    hostID: int
    size: int


class Hook(TypedDict, total=False):
    path: str
    args: list[str]
    env: list[str]
    timeout: int  # seconds


class Mount(TypedDict, total=False):
    destination: str
    type: str
    source: str
    options: list[str]
    uidMappings: list[IdMapping]
    gidMappings: list[IdMapping]
    subpath: str  # ours: of a bind or an image, only this
    layers: list[str]  # ours: of type "image", its trees, top first


class Namespace(TypedDict, total=False):
    type: str
    path: str


class Device(TypedDict, total=False):
    path: str
    type: str
    major: int
    minor: int
    fileMode: int
    uid: int
    gid: int


class Linux(TypedDict, total=False):
    namespaces: list[Namespace]
    devices: list[Device]
    cgroupsPath: str
    resources: dict[str, object]
    rootfsPropagation: str
    maskedPaths: list[str]
    readonlyPaths: list[str]
    sysctl: dict[str, str]
    seccomp: dict[str, Any]
    uidMappings: list[IdMapping]
    gidMappings: list[IdMapping]
    timeOffsets: dict[str, dict[str, int]]
    personality: dict[str, Any]
    memoryPolicy: dict[str, Any]
    intelRdt: dict[str, Any]
    mountLabel: str
    landlock: dict[str, Any]  # ours: see kernel/landlock.py


class Spec(TypedDict, total=False):
    ociVersion: str
    process: Process
    root: Root
    hostname: str
    domainname: str
    mounts: list[Mount]
    hooks: dict[str, list[Hook]]
    annotations: dict[str, str]
    linux: Linux


class Overlay(TypedDict):
    lower: list[str]  # top layer first
    upper: str | None
    work: str | None
    userxattr: NotRequired[bool]
    server: NotRequired[str]  # the program that serves it, see served_root; else the kernel does


class LogPlace(TypedDict):
    directory: str
    quota: NotRequired[int]  # bytes, 0 for no limit
    held: NotRequired[bool]  # a reader is there already: nothing is removed until it says so


class Descriptors(TypedDict, total=False):
    netns: int | None  # index in the descriptors that came with the request
    users: int | None  # the user namespace
    cgroup: list[int] | None  # `tasks` files of v1, open for writing
    trees: dict[str, int]  # mounts that the engine has made, by destination


class Request(TypedDict, total=False):
    id: str
    directory: str
    spec: Spec
    overlay: Overlay | None
    log: LogPlace | None
    owner: list[int]  # uid and gid on the host of who is root in the user namespace
    stdin: bool
    seccomp_filter: str | None
    fds: Descriptors
    gate: bool  # stop before execve until somebody says start
    preserved: list[int]  # descriptors after stdio that the program gets
    keep_keyring: bool
    state: dict[str, Any]  # what hooks get on their stdin
    systemd: bool  # the cgroup is a scope that systemd makes
