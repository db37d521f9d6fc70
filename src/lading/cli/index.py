"""Which commands there are, and which file of commands/ each lives in.

Only names: a command's summary and flags are in its file, so `lading ps` loads one file and
`lading --help` loads them all.
"""

from __future__ import annotations

# The verbs that one types every day, first in help.
COMMON = ("run", "exec", "ps", "pull", "images", "version", "info")

TOP = {
    "attach": "attach",
    "commit": "commit",
    "cp": "cp",
    "create": "create",
    "diff": "diff",
    "events": "events",
    "exec": "exec",
    "export": "export",
    "history": "history",
    "images": "images",
    "info": "info",
    "inspect": "inspect",
    "kill": "kill",
    "load": "load",
    "logs": "logs",
    "pause": "pause",
    "port": "port",
    "ps": "ps",
    "pull": "pull",
    "rename": "rename",
    "restart": "restart",
    "rm": "rm",
    "rmi": "rmi",
    "run": "run",
    "start": "start",
    "stats": "stats",
    "stop": "stop",
    "tag": "tag",
    "top": "top",
    "unpause": "unpause",
    "update": "update",
    "version": "version",
    "wait": "wait",
}

GROUPS: dict[str, dict[str, str]] = {
    "container": {
        name: name
        for name in [
            "attach",
            "commit",
            "cp",
            "create",
            "diff",
            "exec",
            "export",
            "inspect",
            "kill",
            "logs",
            "pause",
            "port",
            "rename",
            "restart",
            "rm",
            "run",
            "start",
            "stats",
            "stop",
            "top",
            "unpause",
            "update",
            "wait",
        ]
    }
    | {"ls": "ps", "list": "ps", "prune": "container_prune", "ps": "ps", "remove": "rm"},
    "image": {
        "from-host": "from_host",
        "history": "history",
        "inspect": "inspect",
        "list": "images",
        "load": "load",
        "ls": "images",
        "pull": "pull",
        "remove": "rmi",
        "rm": "rmi",
        "tag": "tag",
    },
    "system": {
        "check": "check",
        "df": "df",
        "dial-stdio": "dial_stdio",
        "events": "events",
        "info": "info",
        "prune": "system_prune",
    },
}

GROUP_SUMMARIES = {
    "container": "Manage containers",
    "image": "Manage images",
    "system": "Manage the engine",
}

# Second names of a member: they work, and are not listed.
HIDDEN = {
    "container": {"list", "ps", "remove"},
    "image": {"list", "remove"},
    "system": {"dial-stdio"},
}
