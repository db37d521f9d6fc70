"""One volume plugin as a driver: a POST with JSON for each verb, the error in the answer's `Err`.

Every call has its own connection and a time limit, so a plugin that hangs costs a thread and
nothing else. Source: docs.docker.com, "Docker volume plugins".
"""

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any

from lading.volumes.record import DriverFailed, Volume

Connect = Callable[[float], http.client.HTTPConnection]
TIMEOUT_S = 60.0  # dockerd: one minute for a call, two for a mount
LONGEST = 1 << 20  # bytes of an answer
_TYPE = "application/vnd.docker.plugins.v1.2+json"


class Plugin:
    """A driver that is another program."""

    def __init__(self, name: str, connect: Connect) -> None:
        self._name = name
        self._connect = connect
        self.scope = "local"
        self.timeout_s = TIMEOUT_S

    def activate(self) -> list[str]:
        """What the plugin implements. For a volume driver its scope is asked, too."""
        answer = self._call("Plugin.Activate", {})
        implemented = [str(word) for word in answer.get("Implements") or []]
        if "VolumeDriver" in implemented:
            self.scope = self._scope()
        return implemented

    def check(self, name: str, options: Mapping[str, str]) -> None:
        """The plugin knows, and says so in `create`."""

    def create(self, name: str, options: Mapping[str, str]) -> None:
        """Raises DriverFailed."""
        self._call("VolumeDriver.Create", {"Name": name, "Opts": dict(options)})

    def remove(self, volume: Volume) -> None:
        """Raises DriverFailed; a volume that the plugin does not know is gone already."""
        try:
            self._call("VolumeDriver.Remove", {"Name": volume.name})
        except DriverFailed:
            if volume.name in self.volumes():
                raise

    def path(self, volume: Volume) -> str:
        """Where it is mounted, "" when it is not."""
        answer = self._call("VolumeDriver.Path", {"Name": volume.name})
        return str(answer.get("Mountpoint") or "")

    def needs_mount(self, volume: Volume) -> bool:
        """Always: the plugin counts."""
        return True

    def mount(self, volume: Volume, user: str) -> str:
        """Raises DriverFailed."""
        answer = self._call("VolumeDriver.Mount", {"Name": volume.name, "ID": user})
        path = str(answer.get("Mountpoint") or "")
        if not path.startswith("/"):
            raise DriverFailed("VolumeDriver.Mount:", volume.name, f"no mount point: {path!r}")
        return path

    def unmount(self, volume: Volume, user: str, *, is_last: bool) -> None:
        """Each user is told of, by the id that `mount` got."""
        self._call("VolumeDriver.Unmount", {"Name": volume.name, "ID": user})

    def status(self, volume: Volume) -> dict[str, object]:
        """What the plugin shows in `inspect`."""
        answer = self._call("VolumeDriver.Get", {"Name": volume.name})
        status = (answer.get("Volume") or {}).get("Status") or {}
        return status if isinstance(status, dict) else {}

    def volumes(self) -> list[str]:
        """The names of all that the plugin has, also of those made by others."""
        found = self._call("VolumeDriver.List", {}).get("Volumes") or []
        return [str(volume["Name"]) for volume in found if volume.get("Name")]

    def close(self) -> None:
        """No connection is kept."""

    def _scope(self) -> str:
        try:
            answer = self._call("VolumeDriver.Capabilities", {})
        except DriverFailed:
            return "local"  # the call is optional
        scope = str((answer.get("Capabilities") or {}).get("Scope") or "local").lower()
        return scope if scope in ("local", "global") else "local"

    def _call(self, verb: str, document: Mapping[str, object]) -> dict[str, Any]:
        connection = self._connect(self.timeout_s)
        headers = {"Accept": _TYPE, "Content-Type": "application/json"}
        try:
            connection.request("POST", f"/{verb}", json.dumps(document), headers)
            answer = connection.getresponse()
            body = answer.read(LONGEST + 1)
        except (OSError, http.client.HTTPException) as error:
            raise DriverFailed(f"{verb}:", self._name, error) from error
        finally:
            connection.close()
        try:
            found = json.loads(body or b"{}")
        except ValueError:
            found = {"Err": body[:1000].decode(errors="replace").strip()}
        if not isinstance(found, dict) or len(body) > LONGEST:
            raise DriverFailed(f"{verb}:", self._name, "the answer is no object")
        if found.get("Err") or answer.status != 200:
            reason = found.get("Err") or f"status {answer.status}"
            raise DriverFailed(f"{verb}:", self._name, reason)
        return found
