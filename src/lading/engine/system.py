"""The tag System: what the engine and its host are. Read-only."""

import os
import platform
import time
from typing import TYPE_CHECKING

from msgspec import UNSET

from lading.containers.preparation import INIT_PROGRAMS, has_swap_limit
from lading.containers.validation import RUNTIMES
from lading.kernel import namespaces
from lading.kernel.cgroup import hierarchies
from lading.logs.lines import format_time
from lading.logs.options import READY
from lading.version import API_VERSION, MIN_API_VERSION, VERSION
from lading.wire.system import (
    AddressPool,
    ComponentVersion,
    Info,
    PlatformName,
    Plugins,
    RegistryConfig,
    RegistryIndex,
    Runtime,
    Version,
)

if TYPE_CHECKING:
    from lading.engine.engine import Engine

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's name -> Go's


class System:
    """Answers `version` and `info` for one engine."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def version(self) -> Version:
        """The engine's version; the docker CLI prints the details of the first component."""
        kernel = platform.release()
        architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
        details = {
            "ApiVersion": API_VERSION,
            "MinAPIVersion": MIN_API_VERSION,
            "Arch": architecture,
            "Os": "linux",
            "KernelVersion": kernel,
            "GitCommit": "",
            "GoVersion": f"none (Python {platform.python_version()})",
            "BuildTime": "",
            "Experimental": "false",
        }
        return Version(
            platform=PlatformName(name="Lading"),
            components=[ComponentVersion(name="Engine", version=VERSION, details=details)],
            version=VERSION,
            api_version=API_VERSION,
            min_api_version=MIN_API_VERSION,
            arch=architecture,
            kernel_version=kernel,
        )

    def info(self) -> Info:
        """The answer to `GET /info`."""
        engine = self._engine
        states = [container.record.state for container in engine.containers.all()]
        trees = hierarchies()
        controllers = set(trees.v1) | set(trees.v2_controllers())
        return Info(
            id=engine.engine_id,
            containers=len(states),
            containers_running=sum(state.status == "running" for state in states),
            containers_paused=sum(state.status == "paused" for state in states),
            containers_stopped=sum(not state.is_running for state in states),
            images=engine.database.read(
                lambda c: int(c.execute("SELECT COUNT(*) FROM images").fetchone()[0])
            ),
            driver=self._engine.snapshots.name,
            driver_status=[("Backing Filesystem", "extfs"), ("Supports d_type", "true")],
            plugins=Plugins(
                volume=self._engine.volume_store.drivers.names(),
                network=list(engine.networks.driver_names),
                authorization=list(engine.options.reloadable.authorization_plugins) or None,
                log=sorted({*READY} - {"none"}),
            ),
            default_address_pools=[
                AddressPool(base=base, size=size)
                for base, size in engine.networks.settings.default_address_pools
            ]
            or UNSET,
            memory_limit="memory" in controllers,
            swap_limit=has_swap_limit(trees),
            cpu_cfs_period="cpu" in controllers,
            cpu_cfs_quota="cpu" in controllers,
            cpu_shares_supported="cpu" in controllers,
            cpu_set="cpuset" in controllers,
            pids_limit="pids" in controllers,
            oom_kill_disable="memory" in trees.v1,
            ipv4_forwarding=_read("/proc/sys/net/ipv4/ip_forward") == "1",
            debug=engine.options.reloadable.debug,
            labels=list(engine.options.reloadable.labels),
            n_fd=len(os.listdir("/proc/self/fd")),
            system_time=format_time(time.time_ns()),
            logging_driver=engine.context.log_default.type,
            cgroup_driver=engine.options.cgroup_driver if trees.v1 or trees.v2 else "none",
            cgroup_version="2" if trees.is_unified() else "1",
            kernel_version=platform.release(),
            operating_system=_os_name(),
            architecture=platform.machine(),
            index_server_address="https://index.docker.io/v1/",
            registry_config=_registries(engine),
            n_cpu=os.cpu_count() or 1,
            mem_total=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            docker_root_dir=engine.options.data_root,
            name=engine.name,
            server_version=VERSION,
            runtimes={name: Runtime(path="lading-runtime") for name in RUNTIMES},
            default_runtime=engine.options.reloadable.modes.runtime,
            live_restore_enabled=True,
            init_binary=engine.context.defaults.init_path or INIT_PROGRAMS[0],
            security_options=_security_options(engine),
            warnings=[
                *engine.networks.warnings(),
                *engine.context.security.warnings(),
                *engine.damaged.values(),
            ],
        )


def _registries(engine: "Engine") -> RegistryConfig:
    """Networks without TLS are listed as such, hosts as registries that are not secure."""
    asked = engine.options.reloadable
    mirrors = list(asked.registry_mirrors)
    hub = RegistryIndex(name="docker.io", mirrors=mirrors, official=True)
    hosts = [text for text in asked.insecure_registries if "/" not in text]
    networks = [text for text in asked.insecure_registries if "/" in text]
    config = RegistryConfig(index_configs={"docker.io": hub}, mirrors=mirrors or None)
    config.index_configs.update({name: RegistryIndex(name=name, secure=False) for name in hosts})
    config.insecure_registry_cidrs.extend(networks)
    return config


def _security_options(engine: "Engine") -> list[str]:
    found = list(engine.context.security.options())
    if engine.context.users.remap is not None:
        found.append("name=userns")
    if namespaces.in_user_namespace():
        found.append("name=rootless")
    found.append("name=cgroupns")
    if engine.context.defaults.no_new_privileges:
        found.append("name=no-new-privileges")
    return found


def _os_name() -> str:
    for line in _read("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "Linux"


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""
