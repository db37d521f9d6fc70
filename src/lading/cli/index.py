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
    "completion": "completion",
    "cp": "cp",
    "create": "create",
    "diff": "diff",
    "events": "events",
    "exec": "exec",
    "export": "export",
    "history": "history",
    "images": "images",
    "import": "import_",
    "info": "info",
    "inspect": "inspect",
    "kill": "kill",
    "load": "load",
    "login": "login",
    "logout": "logout",
    "logs": "logs",
    "pause": "pause",
    "port": "port",
    "ps": "ps",
    "pull": "pull",
    "push": "push",
    "rename": "rename",
    "restart": "restart",
    "rm": "rm",
    "rmi": "rmi",
    "run": "run",
    "save": "save",
    "search": "search",
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
    "context": {
        "create": "context_create",
        "export": "context_export",
        "import": "context_import",
        "inspect": "context_inspect",
        "list": "context_ls",
        "ls": "context_ls",
        "remove": "context_rm",
        "rm": "context_rm",
        "show": "context_show",
        "update": "context_update",
        "use": "context_use",
    },
    "image": {
        "copy": "image_copy",
        "explore": "image_explore",
        "from-host": "from_host",
        "fsck": "image_fsck",
        "history": "history",
        "import": "import_",
        "inspect": "inspect",
        "list": "images",
        "load": "load",
        "ls": "images",
        "prune": "image_prune",
        "pull": "pull",
        "push": "push",
        "remove": "rmi",
        "rm": "rmi",
        "save": "save",
        "tag": "tag",
    },
    "manifest": {
        "annotate": "manifest_annotate",
        "create": "manifest_create",
        "inspect": "manifest_inspect",
        "push": "manifest_push",
        "rm": "manifest_rm",
    },
    "network": {
        "connect": "network_connect",
        "create": "network_create",
        "disconnect": "network_disconnect",
        "inspect": "network_inspect",
        "list": "network_ls",
        "ls": "network_ls",
        "prune": "network_prune",
        "remove": "network_rm",
        "rm": "network_rm",
    },
    "system": {
        "check": "check",
        "df": "df",
        "dial-stdio": "dial_stdio",
        "events": "events",
        "info": "info",
        "prune": "system_prune",
    },
    "volume": {
        "create": "volume_create",
        "inspect": "inspect",
        "list": "volume_ls",
        "ls": "volume_ls",
        "prune": "volume_prune",
        "remove": "volume_rm",
        "rm": "volume_rm",
    },
}

GROUP_SUMMARIES = {
    "container": "Manage containers",
    "context": "Manage contexts",
    "image": "Manage images",
    "manifest": "Manage manifests and manifest lists of registries",
    "network": "Manage networks",
    "system": "Manage the engine",
    "volume": "Manage volumes",
}

# Second names of a member: they work, and are not listed.
HIDDEN = {
    "container": {"list", "ps", "remove"},
    "context": {"list", "remove"},
    "image": {"list", "remove"},
    "manifest": set(),
    "network": {"list", "remove"},
    "system": {"dial-stdio"},
    "volume": {"list", "remove"},
}
