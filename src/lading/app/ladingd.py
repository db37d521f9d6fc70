"""ladingd: the engine as a daemon. Wiring only: flags -> Options -> Engine -> Router -> sockets.

Runs in the foreground; systemd gives sockets (LISTEN_FDS, `-H fd://`) and is told when it is ready
(NOTIFY_SOCKET, sd_notify(3)). SIGTERM and SIGINT end it; containers run on and are found again.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence

from lading.api import ROUTES, Audit, Guard, Router
from lading.app import config_file, reloading, rootless
from lading.app.container_settings import container_defaults
from lading.app.network_settings import network_settings
from lading.app.sockets import certificates, listeners
from lading.engine import Engine, Options
from lading.engine.clean_up import clean_up
from lading.errors import LadingError
from lading.http import Server, serve
from lading.kernel.cgroup import hierarchies, systemd
from lading.registry.client.proxy import Proxies, from_environment
from lading.version import VERSION

DEFAULT_HOST = "unix:///run/lading.sock"
log = logging.getLogger("lading")
SWITCHES = {  # of the networks, with dockerd's names; the defaults are in `Settings`
    "iptables": "write packet filter rules (default true)",
    "ip-forward": "switch IPv4 forwarding on (default true)",
    "ip-masq": "masquerade what containers send outside (default true)",
    "icc": "let containers of the default network talk to each other (default true)",
    "userland-proxy": "relay what no rule can redirect: [::1], IPv6 to IPv4 (default true)",
    "allow-direct-routing": "let containers be reached at their own addresses (default false)",
}


def parser() -> argparse.ArgumentParser:
    """The flags; those that dockerd has are spelled as there."""
    flags = argparse.ArgumentParser(prog="ladingd", description="The Lading engine.")
    flags.add_argument("--data-root", help="durable state (default /var/lib/lading)")
    flags.add_argument("--exec-root", help="state of running containers (default /run/lading)")
    flags.add_argument(
        "-H", "--host", action="append", help="unix://PATH, tcp://HOST:PORT or fd:// (repeatable)"
    )
    flags.add_argument("-p", "--pidfile", help="write the engine's pid there")
    flags.add_argument("--config-file", help="JSON with the same names as the long flags")
    flags.add_argument("-D", "--debug", action="store_true", default=None, help="log everything")
    flags.add_argument("-l", "--log-level", help="debug, info (default), warn, error or fatal")
    flags.add_argument("-G", "--group", help="of the unix socket (lading, else docker)")
    flags.add_argument("--tls", action="store_true", default=None, help="use TLS on tcp sockets")
    flags.add_argument(
        "--tlsverify", action="store_true", default=None, help="and ask clients for certificates"
    )
    flags.add_argument("--tlscacert", help="who signs them (default /etc/lading/tls/ca.pem)")
    flags.add_argument("--tlscert", help="the engine's (default /etc/lading/tls/cert.pem)")
    flags.add_argument("--tlskey", help="its key (default /etc/lading/tls/key.pem)")
    flags.add_argument(
        "--authorization-plugin", action="append", help="name or socket of one (repeatable)"
    )
    flags.add_argument("--audit-log", help="file for a line of JSON per changing request")
    flags.add_argument("--log-driver", help="of containers that name none (default json-file)")
    flags.add_argument("--log-opt", action="append", help="NAME=VALUE for that driver (repeatable)")
    flags.add_argument("--label", action="append", help="KEY=VALUE for `info` (repeatable)")
    flags.add_argument("--feature", action="append", help="NAME=BOOL; none has a meaning yet")
    flags.add_argument("--default-runtime", help="a name of our own one: runc (default), lading")
    flags.add_argument("--add-runtime", action="append", help="NAME=PATH, which is not run here")
    _add_container_flags(flags)
    flags.add_argument("--live-restore", action="store_true", default=None, help="always so")
    flags.add_argument("--shutdown-timeout", type=int, help="of no meaning: containers go on")
    flags.add_argument("--max-concurrent-downloads", type=int, help="layers of a pull (default 3)")
    flags.add_argument("--max-concurrent-uploads", type=int, help="layers of a push (default 5)")
    flags.add_argument("--max-download-attempts", type=int, help="of each (default 5)")
    flags.add_argument("--registry-mirror", action="append", help="URL, for docker.io names")
    flags.add_argument("--insecure-registry", action="append", help="HOST[:PORT] or CIDR")
    for name in ("http-proxy", "https-proxy"):
        flags.add_argument(f"--{name}", help="for registries (default: from the environment)")
    flags.add_argument("--no-proxy", help="hosts that need no proxy, comma-separated")
    flags.add_argument("--signature-policy", help="file: who must have signed what is pulled")
    flags.add_argument("-s", "--storage-driver", help="overlay2, fuse-overlayfs, btrfs or vfs")
    flags.add_argument("--cgroup-parent", help="below which containers' cgroups are made")
    flags.add_argument(
        "--exec-opt", action="append", help="native.cgroupdriver=cgroupfs (default) or systemd"
    )
    flags.add_argument(
        "--selinux-enabled", action="store_true", default=None, help="label containers and files"
    )
    flags.add_argument(
        "--userns-remap", help="USER[:GROUP] whose subordinate ids containers get, or default"
    )
    flags.add_argument("-b", "--bridge", help="name of the default bridge (default lading0)")
    flags.add_argument("--bip", help="address of the default bridge, 10.9.0.1/24")
    flags.add_argument("--fixed-cidr", help="the part of its subnet that containers get")
    flags.add_argument(
        "--default-address-pool",
        action="append",
        help="base=CIDR,size=PREFIX: where networks get their subnets from (repeatable)",
    )
    flags.add_argument(
        "--default-network-opt",
        action="append",
        help="DRIVER=NAME=VALUE: an option of every new network of that driver (repeatable)",
    )
    flags.add_argument("--ip", help="where ports are published that name no address")
    for name, words in SWITCHES.items():
        flags.add_argument(f"--{name}", type=_boolean, nargs="?", const=True, help=words)
    flags.add_argument("--mtu", type=int, help="of the default bridge (default 1500)")
    flags.add_argument(
        "--clean-up",
        action="store_true",
        default=None,
        help="remove this engine's bridge, firewall rules and addresses from the host, and end",
    )
    flags.add_argument(
        "--validate", action="store_true", default=None, help="check flags and config file, and end"
    )
    flags.add_argument("-v", "--version", action="version", version=f"ladingd {VERSION}")
    return flags


def _add_container_flags(flags: argparse.ArgumentParser) -> None:
    """What all containers get that do not say otherwise."""
    for name, words in {
        "no-new-privileges": "no process gains privileges by executing a program",
        "init": "put an init in front of the program",
    }.items():
        flags.add_argument(f"--{name}", type=_boolean, nargs="?", const=True, help=words)
    flags.add_argument(
        "--seccomp-profile", help="a file, builtin (default) or unconfined, for all containers"
    )
    flags.add_argument("--default-ulimit", action="append", help="NAME=SOFT[:HARD] (repeatable)")
    flags.add_argument("--init-path", help="the program for --init (default: the host's tini)")
    flags.add_argument("--dns", action="append", help="name server (repeatable)")
    flags.add_argument("--dns-search", action="append", help="domain to search (repeatable)")
    flags.add_argument("--dns-opt", action="append", help="option of resolv.conf (repeatable)")
    flags.add_argument("--default-shm-size", help="of /dev/shm (default 64m)")
    flags.add_argument("--default-ipc-mode", help="private (default) or shareable")
    flags.add_argument("--default-cgroupns-mode", help="private (default) or host")
    flags.add_argument(
        "--host-gateway-ip",
        action="append",
        help="what host-gateway stands for in --add-host (default: the default bridge's address)",
    )


def _boolean(text: str) -> bool:
    """A boolean as Go's flags take it. Raises ValueError."""
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise ValueError(f"invalid boolean value {text!r}")


def settings(words: Sequence[str]) -> dict[str, object]:
    """Flags and the config file, by the names of flags. Raises SystemExit."""
    return config_file.settings(parser(), list(words))


def options(given: dict[str, object]) -> Options:
    """What the engine is told."""

    def text(name: str, default: str) -> str:
        return str(given.get(name) or default)

    def texts(name: str) -> tuple[str, ...]:
        values = given.get(name)
        return tuple(str(value) for value in values) if isinstance(values, list) else ()

    return Options(
        data_root=os.path.abspath(text("data_root", "/var/lib/lading")),
        exec_root=os.path.abspath(text("exec_root", "/run/lading")),
        reloadable=reloading.reloadable(given),
        registry_proxies=_proxies(given),
        signature_policy=text("signature_policy", ""),
        storage_driver=text("storage_driver", ""),
        cgroup_parent=text("cgroup_parent", ""),
        cgroup_driver=_cgroup_driver(texts("exec_opt"), text("cgroup_parent", "")),
        selinux_enabled=bool(given.get("selinux_enabled")),
        networks=network_settings(given, host_door=rootless.door_of(os.environ)),
        defaults=container_defaults(given),
        log_driver=text("log_driver", "json-file"),
        log_options=tuple(_log_options(given.get("log_opt"))),
        userns_remap=text("userns_remap", ""),
    )


def _proxies(given: dict[str, object]) -> Proxies:
    """What is said here counts, the rest is the environment's."""
    around = from_environment(os.environ)
    return Proxies(
        str(given.get("http_proxy") or around.http),
        str(given.get("https_proxy") or around.https),
        str(given.get("no_proxy") or around.no_proxy),
    )


def _cgroup_driver(given: tuple[str, ...], parent: str) -> str:
    """The driver that --exec-opt names. Ends the program where it cannot be, as dockerd does."""
    driver = "cgroupfs"
    for option in given:
        name, equals, value = option.partition("=")
        if not equals:
            raise SystemExit(f"ladingd: invalid exec-opt {option!r}: want NAME=VALUE")
        if name != "native.cgroupdriver":
            raise SystemExit(
                f"ladingd: unknown option: {option!r}. The only option is native.cgroupdriver"
            )
        driver = value
    if driver not in ("cgroupfs", "systemd"):
        raise SystemExit(f"ladingd: native.cgroupdriver option {driver} not supported")
    if driver == "systemd":
        if not (systemd.is_running() and hierarchies().is_unified()):
            raise SystemExit(
                "ladingd: exec-opt native.cgroupdriver=systemd requires systemd and cgroup v2"
            )
        if parent and not systemd.is_slice(parent):
            raise SystemExit(f"ladingd: {systemd.BadParent()}")
    return driver


def _log_options(given: object) -> list[tuple[str, str]]:
    """Flags are `NAME=VALUE`, the config file has an object."""
    if isinstance(given, dict):
        return [(str(name), str(value)) for name, value in given.items()]
    words = given if isinstance(given, list) else []
    return [(name, value) for name, _, value in (str(word).partition("=") for word in words)]


def notify(environ: dict[str, str], message: str) -> None:
    """Tell the service manager, if there is one. sd_notify(3)."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(message.encode(), address)


async def run(given: dict[str, object], environ: dict[str, str]) -> None:
    """Serve until a signal says stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    hosts = given.get("host")
    secrets = certificates(given)
    group = str(given.get("group") or "")
    where = listeners(hosts if isinstance(hosts, list) else [DEFAULT_HOST], environ, secrets, group)
    audit = Audit(str(given["audit_log"])) if given.get("audit_log") else None
    engine = await Engine.open(options(given))
    router = Router(engine, ROUTES)
    asked = reloading.plugins(engine.options.reloadable)
    guard = Guard(router, plugins=asked, audit=audit)
    reloader = reloading.Reloader(engine, secrets, audit, guard, lambda: settings(sys.argv[1:]))
    loop.add_signal_handler(signal.SIGHUP, reloader.begin)
    try:
        if given.get("clean_up"):
            await clean_up(engine)
            return
        server = await serve(guard, where)
        await _serve_until(stop, server, router, given, environ)
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        await reloader.aclose()
        await engine.aclose()


async def _serve_until(
    stop: asyncio.Event,
    server: Server,
    router: Router,
    given: dict[str, object],
    environ: dict[str, str],
) -> None:
    pidfile = given.get("pidfile")
    if isinstance(pidfile, str):
        _write_pid(pidfile)
    notify(environ, "READY=1")
    log.info("ladingd %s is ready", VERSION)
    await stop.wait()
    notify(environ, "STOPPING=1")
    await server.aclose()
    await router.aclose()
    if isinstance(pidfile, str):
        os.unlink(pidfile)


def _write_pid(path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(str(os.getpid()))


def main() -> int:
    """The daemon; returns its exit code."""
    given = settings(sys.argv[1:])
    logging.basicConfig(
        level=reloading.log_level(given), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    if given.get("validate"):
        options(given)
        sys.stderr.write("configuration OK\n")
        return 0
    environ = dict(os.environ)
    try:
        if os.geteuid() != 0:
            rootless.enter(given, environ, sys.orig_argv)
        if environ.get(rootless.ISLAND):
            log.warning("no way out of the network: %s", environ[rootless.ISLAND])
        asyncio.run(run(given, environ))
        if rootless.NEST in environ:
            rootless.leave(environ[rootless.NEST])
    except (LadingError, OSError) as error:
        sys.stderr.write(f"ladingd: {error}\n")
        return 1
    return 0
