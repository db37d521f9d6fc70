"""The table of verbs and their flags: a union of what callers of runc and of crun pass."""

from __future__ import annotations

from lading.runtime.command.flags import NUMBER, SEVERAL, SWITCH, TEXT, Flag

GLOBAL = (
    Flag(TEXT, "root", "where the state of containers is kept"),
    Flag(TEXT, "log", "file that warnings and errors are appended to"),
    Flag(TEXT, "log-format", "text or json"),
    Flag(TEXT, "log-level", "error, warn, info or debug"),
    Flag(SWITCH, "debug", "log more"),
    Flag(SWITCH, "systemd-cgroup", "systemd makes the cgroup: slice:prefix:name"),
    Flag(TEXT, "cgroup-manager", "cgroupfs, systemd or disabled, as crun has it"),
    Flag(TEXT, "rootless", "true, false or auto: found out anyway"),
    Flag(TEXT, "criu", "the criu program"),
    Flag(SWITCH, "version v", "print the version"),
    Flag(SWITCH, "help h", "show help"),
)
_START = (
    Flag(TEXT, "bundle b", "directory of config.json"),
    Flag(TEXT, "config f", "another name or path of config.json"),
    Flag(TEXT, "console-socket", "receives the master of the terminal"),
    Flag(TEXT, "pidfd-socket", "receives a pidfd of init"),
    Flag(TEXT, "pid-file", "gets the pid of init"),
    Flag(SWITCH, "no-pivot", "accepted; the root is pivoted all the same"),
    Flag(SWITCH, "no-new-keyring", "keep the caller's session keyring"),
    Flag(NUMBER, "preserve-fds", "how many descriptors after 2 the program gets"),
)
_RUN = (
    Flag(SWITCH, "detach d", "do not wait for its end"),
    Flag(SWITCH, "keep", "do not delete it at its end"),
    Flag(SWITCH, "no-subreaper", "accepted"),
)
_EXEC = (
    Flag(TEXT, "process p", "file with the OCI process"),
    Flag(TEXT, "console-socket", "receives the master of the terminal"),
    Flag(TEXT, "pidfd-socket", "receives a pidfd of the process"),
    Flag(TEXT, "pid-file", "gets its pid"),
    Flag(SWITCH, "detach d", "do not wait for its end"),
    Flag(SWITCH, "tty t", "with a terminal"),
    Flag(SEVERAL, "env e", "name=value"),
    Flag(TEXT, "cwd", "working directory"),
    Flag(TEXT, "user u", "uid[:gid]"),
    Flag(SEVERAL, "additional-gids g", "one more group"),
    Flag(SEVERAL, "cap c", "one more capability"),
    Flag(SWITCH, "no-new-privs", "set no_new_privs"),
    Flag(TEXT, "process-label", "SELinux label"),
    Flag(TEXT, "apparmor", "AppArmor profile"),
    Flag(NUMBER, "preserve-fds", "how many descriptors after 2 it gets"),
    Flag(SEVERAL, "cgroup", "a group below the container's, [controller:]path"),
    Flag(SWITCH, "ignore-paused", "even if it is paused"),
)
_FORMAT = Flag(TEXT, "format f", "table or json")
_UPDATE = (
    Flag(TEXT, "resources r", "file with OCI linux.resources, - for stdin"),
    Flag(NUMBER, "blkio-weight"),
    Flag(NUMBER, "cpu-period"),
    Flag(NUMBER, "cpu-quota"),
    Flag(NUMBER, "cpu-burst"),
    Flag(NUMBER, "cpu-share cpu-shares"),
    Flag(NUMBER, "cpu-rt-period"),
    Flag(NUMBER, "cpu-rt-runtime"),
    Flag(TEXT, "cpuset-cpus"),
    Flag(TEXT, "cpuset-mems"),
    Flag(NUMBER, "cpu-idle"),
    Flag(TEXT, "memory"),
    Flag(TEXT, "memory-reservation"),
    Flag(TEXT, "memory-swap"),
    Flag(TEXT, "kernel-memory"),
    Flag(TEXT, "kernel-memory-tcp"),
    Flag(NUMBER, "pids-limit"),
    Flag(TEXT, "l3-cache-schema"),
    Flag(TEXT, "mem-bw-schema"),
)
_CRIU = (
    Flag(TEXT, "image-path", "where the images are"),
    Flag(TEXT, "work-path", "where criu's own files are"),
    Flag(TEXT, "parent-path", "images of a pre-dump"),
    Flag(SWITCH, "leave-running"),
    Flag(SWITCH, "tcp-established"),
    Flag(SWITCH, "tcp-skip-in-flight"),
    Flag(SWITCH, "ext-unix-sk"),
    Flag(SWITCH, "shell-job"),
    Flag(SWITCH, "lazy-pages"),
    Flag(TEXT, "status-fd"),
    Flag(TEXT, "page-server"),
    Flag(SWITCH, "file-locks"),
    Flag(SWITCH, "pre-dump"),
    Flag(TEXT, "manage-cgroups-mode"),
    Flag(SEVERAL, "empty-ns"),
    Flag(SWITCH, "auto-dedup"),
)
_RESTORE = (
    Flag(TEXT, "lsm-profile"),
    Flag(TEXT, "lsm-mount-context"),
)


class Verb:
    """Where a verb is done, and which flags it has. `stop_after`: see `flags.parse`.

    One that `enters` a container does so with an interpreter that is sealed, see `sealing`.
    `failure` is the exit status of ours, which for exec is not to be taken for the program's.
    """

    __slots__ = (
        "enters",
        "failure",
        "flags",
        "function",
        "help",
        "module",
        "stop_after",
        "words",
    )

    def __init__(
        self,
        place: str,
        words: str,
        help: str,
        flags: tuple[Flag, ...] = (),
        *,
        stop_after: int | None = None,
        enters: bool = False,
        failure: int = 1,
    ) -> None:
        self.failure = failure
        self.enters = enters
        self.module, _, self.function = place.partition(":")
        self.words = words
        self.help = help
        self.flags = flags
        self.stop_after = stop_after


VERBS = {
    "create": Verb("create:create", "ID", "create a container", _START),
    "start": Verb("starting:start", "ID", "execute the program of a created one"),
    "run": Verb("create:run", "ID", "create and start a container", _START + _RUN),
    "exec": Verb(
        "exec:execute",
        "ID [COMMAND ARG...]",
        "run one more process",
        _EXEC,
        stop_after=1,
        enters=True,
        failure=255,
    ),
    "kill": Verb(
        "ending:kill", "ID [SIGNAL]", "signal a container", (Flag(SWITCH, "all a", "all of it"),)
    ),
    "delete": Verb(
        "ending:delete", "ID", "remove a container", (Flag(SWITCH, "force f", "end it first"),)
    ),
    "state": Verb("listing:state", "ID", "print the state of a container"),
    "list": Verb(
        "listing:list_containers",
        "",
        "list containers",
        (_FORMAT, Flag(SWITCH, "quiet q", "ids only")),
    ),
    "ps": Verb("listing:ps", "ID [PS OPTIONS]", "show processes", (_FORMAT,), stop_after=1),
    "pause": Verb("limits:pause", "ID", "let all its processes stand still"),
    "resume": Verb("limits:resume", "ID", "let them go on"),
    "update": Verb("limits:update", "ID", "change limits", _UPDATE),
    "events": Verb(
        "events:events",
        "ID",
        "print usage and OOM events",
        (Flag(SWITCH, "stats", "usage, once"), Flag(TEXT, "interval", "between two, 5s")),
    ),
    "spec": Verb(
        "documents:write_spec",
        "",
        "write a config.json to begin with",
        (Flag(TEXT, "bundle b"), Flag(SWITCH, "rootless")),
    ),
    "features": Verb("documents:features", "", "print what this runtime can do"),
    "plan": Verb(
        "documents:show_plan",
        "[BUNDLE]",
        "print the steps of a start",
        (Flag(TEXT, "id"), Flag(TEXT, "config f")),
    ),
    "checkpoint": Verb("checkpoint:checkpoint", "ID", "save a running container by criu", _CRIU),
    "restore": Verb(
        "checkpoint:restore", "ID", "restore a saved container", _START + _RUN + _CRIU + _RESTORE
    ),
}
