"""What the words of `run` and `create` mean: `CreateArguments` -> the body of POST /create.

Stage two of two. Only what was asked for is sent; the engine knows the defaults. Files that flags
name are read through `read_text`, the host's variables come as `environ`, so this is a function.
"""

from __future__ import annotations

from lading.cli import endpoints, health, limit_flags, mounts, option_values, ports
from lading.sdk import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lading.cli.container_flags import CreateArguments
    from lading.sdk.request import Document


def to_create_request(
    args: CreateArguments,
    *,
    environ: Mapping[str, str],
    read_text: Callable[[str], str],
    console_size: tuple[int, int] = (0, 0),
) -> Document:
    """Raises ValueError with Docker's words. `console_size` is (rows, columns)."""
    image, *command = args.words
    binds, anonymous = mounts.split_volumes(args.volume)
    bindings = ports.published(args.publish)
    document = {
        "Image": image,
        "Cmd": command,
        "Entrypoint": entrypoint(args),
        "Hostname": args.hostname,
        "Domainname": args.domainname,
        "User": args.user,
        "WorkingDir": args.workdir,
        "Env": environment(args.env_file, args.env, environ, read_text),
        "Labels": labels(args.label_file, args.label, read_text),
        "Volumes": anonymous,
        "ExposedPorts": {port: {} for port in bindings} | ports.exposed(args.expose),
        "Tty": args.tty,
        "OpenStdin": args.interactive,
        "StopSignal": args.stop_signal,
        "Healthcheck": health.config(args),
        "HostConfig": host_config(args, read_text)
        | _asked({"Binds": binds, "PortBindings": bindings, "ConsoleSize": _size(console_size)}),
        "NetworkingConfig": _asked({"EndpointsConfig": endpoints.endpoints(args)}),
    }
    asked = _asked(document) | streams(args)
    if "stop-timeout" in args.given:
        asked["StopTimeout"] = args.stop_timeout
    return asked


def _asked(document: Document) -> Document:
    """Without what was not asked for: empty texts, lists, maps, zero, false."""
    return {key: value for key, value in document.items() if value}


def _size(size: tuple[int, int]) -> list[int]:
    return list(size) if all(size) else []


def entrypoint(args: CreateArguments) -> list[str] | None:
    """`--entrypoint ""` clears the image's: the API says so with one empty text."""
    return [args.entrypoint] if "entrypoint" in args.given else None


def streams(args: CreateArguments) -> Document:
    """Which streams are attached: those named, or all that make sense; none when detached."""
    chosen = args.attach or ["stdout", "stderr"] + ["stdin"] * args.interactive
    if args.detach:
        chosen = []
    document = {
        f"Attach{name.capitalize()}": name in chosen for name in ("stdin", "stdout", "stderr")
    }
    # an attached client that goes away closes stdin for good
    document["StdinOnce"] = args.interactive and "stdin" in chosen
    return document


def host_config(args: CreateArguments, read_text: Callable[[str], str]) -> Document:
    """The part that is about this host and not about the image."""
    document = {
        "AutoRemove": args.rm,
        "Annotations": args.annotation,
        "BlkioDeviceReadBps": args.device_read_bps,
        "BlkioDeviceReadIOps": args.device_read_iops,
        "BlkioDeviceWriteBps": args.device_write_bps,
        "BlkioDeviceWriteIOps": args.device_write_iops,
        "BlkioWeightDevice": args.blkio_weight_device,
        "CapAdd": capabilities(args.cap_add),
        "CapDrop": capabilities(args.cap_drop),
        "CgroupParent": args.cgroup_parent,
        "CgroupnsMode": args.cgroupns,
        "ContainerIDFile": args.cidfile,
        "CpuCount": args.cpu_count,
        "CpuPercent": args.cpu_percent,
        "DeviceCgroupRules": args.device_cgroup_rule,
        "DeviceRequests": args.gpus,
        "Devices": args.device,
        "Dns": args.dns,
        "DnsOptions": args.dns_option,
        "DnsSearch": args.dns_search,
        "ExtraHosts": args.add_host,
        "GroupAdd": args.group_add,
        "IOMaximumBandwidth": args.io_maxbandwidth,
        "IOMaximumIOps": args.io_maxiops,
        "IpcMode": args.ipc,
        "Isolation": args.isolation,
        "Links": args.link,
        "LogConfig": _asked({"Type": args.log_driver, "Config": log_options(args.log_opt)}),
        "Mounts": args.mount,
        "NetworkMode": args.network[0][0] if args.network else "default",
        "OomKillDisable": args.oom_kill_disable,
        "OomScoreAdj": args.oom_score_adj,
        "PidMode": args.pid,
        "Privileged": args.privileged,
        "PublishAllPorts": args.publish_all,
        "ReadonlyRootfs": args.read_only,
        "RestartPolicy": option_values.restart_policy(args.restart),
        "Runtime": args.runtime,
        "ShmSize": args.shm_size,
        "StorageOpt": log_options(args.storage_opt),
        "Sysctls": args.sysctl,
        "Tmpfs": mounts.tmpfs(args.tmpfs),
        "UTSMode": args.uts,
        "Ulimits": sorted(args.ulimit, key=lambda limit: str(limit["Name"])),
        "UsernsMode": args.userns,
        "VolumeDriver": args.volume_driver,
        "VolumesFrom": args.volumes_from,
    }
    asked = _asked(document | limit_flags.asked(args)) | security(args.security_opt, read_text)
    if "memory-swappiness" in args.given:
        asked["MemorySwappiness"] = swappiness(args.memory_swappiness)
    if "init" in args.given:
        asked["Init"] = args.init
    return asked


def swappiness(value: int) -> int:
    if not -1 <= value <= 100:
        raise ValueError(f"invalid value: {value}. Valid memory swappiness range is 0-100")
    return value


def capabilities(names: Sequence[str]) -> list[str]:
    """One spelling: `net_raw` and `CAP_NET_RAW` are the same; ALL stays ALL."""
    upper = [name.strip().upper() for name in names]
    return sorted({n if n == "ALL" or n.startswith("CAP_") else f"CAP_{n}" for n in upper})


def environment(
    files: Sequence[str],
    typed: Sequence[str],
    environ: Mapping[str, str],
    read_text: Callable[[str], str],
) -> list[str]:
    """Files first. KEY alone takes the host's value; without one, a file's is left out and a typed
    one is sent bare, which removes it from the image's environment."""
    found = []
    for path in files:
        for name in _lines(read_text(path)):
            _check_variable(name)
            if "=" in name:
                found.append(name)
            elif name in environ:
                found.append(f"{name}={environ[name]}")
    for name in typed:
        if not name or name.startswith("="):
            raise ValueError(f"invalid environment variable: {name}")
        known = "=" not in name and name in environ
        found.append(f"{name}={environ[name]}" if known else name)
    return found


def _lines(text: str) -> list[str]:
    """Without blank lines and comments."""
    lines = [line.lstrip() for line in text.removeprefix("\ufeff").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _check_variable(line: str) -> None:
    name = line.partition("=")[0]
    if not name:
        raise ValueError(f"no variable name on line '{line}'")
    if any(letter.isspace() for letter in name):
        raise ValueError(f"variable '{name}' contains whitespaces")


def labels(
    files: Sequence[str], typed: Sequence[str], read_text: Callable[[str], str]
) -> dict[str, str]:
    """Files first; a label without a value is empty."""
    found: dict[str, str] = {}
    lines = [line for path in files for line in _lines(read_text(path))]
    # a line without a value is no label: of a variable it would take the host's
    for text in [line for line in lines if "=" in line] + list(typed):
        key, _, value = text.partition("=")
        if not key:
            raise ValueError(f"invalid label '{text}': empty name")
        found[key] = value
    return found


def log_options(texts: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (text.partition("=") for text in texts)}


def security(texts: Sequence[str], read_text: Callable[[str], str]) -> Document:
    """SecurityOpt, with a seccomp profile's text in place of its path, and unmasked paths."""
    options = []
    document: Document = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator and text != "no-new-privileges":
            key, separator, value = text.partition(":")
            if not separator:
                raise ValueError(f'Invalid --security-opt: "{text}"')
        if key == "systempaths" and value == "unconfined":
            document |= {"MaskedPaths": [], "ReadonlyPaths": []}
        elif key == "seccomp" and value not in ("unconfined", "builtin"):
            options.append(f"seccomp={_profile(value, read_text)}")
        else:
            options.append(text)
    return document | _asked({"SecurityOpt": options})


def _profile(path: str, read_text: Callable[[str], str]) -> str:
    try:
        return json_text.dumps(json_text.loads(read_text(path)))
    except ValueError as error:
        raise ValueError(f"opening seccomp profile ({path}) failed: {error}") from error
