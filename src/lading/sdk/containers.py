"""Calls on containers. Spec: Docker Engine API, tag Container."""

from __future__ import annotations

from lading.sdk.request import HIJACKED, STREAMED, Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def list_(
    *,
    all: bool = False,
    limit: int = 0,
    size: bool = False,
    filters: Mapping[str, list[str]] | None = None,
) -> Call[list[Document]]:
    """Summaries, newest first; running ones only unless `all` or `limit`."""
    query = {
        "all": all or None,
        "limit": limit or None,
        "size": size or None,
        "filters": encode_filters(filters or {}),
    }
    response = yield Request("GET", "/containers/json", query)
    found: list[Document] = response.json() or []
    return found


def create(document: Document, *, name: str = "", platform: str = "") -> Call[Document]:
    """`{"Id", "Warnings"}`. 404 `No such image: x` when the image has to be pulled first."""
    query = {"name": name or None, "platform": platform or None}
    response = yield Request("POST", "/containers/create", query, document=document)
    created: Document = response.json()
    return created


def inspect(name: str, *, size: bool = False) -> Call[Document]:
    response = yield Request("GET", f"/containers/{quote(name)}/json", {"size": size or None})
    found: Document = response.json()
    return found


def start(name: str, *, detach_keys: str = "") -> Call[None]:
    query = {"detachKeys": detach_keys or None}
    yield Request("POST", f"/containers/{quote(name)}/start", query)


def stop(name: str, *, signal: str = "", timeout_s: int | None = None) -> Call[None]:
    """Stopping a stopped container is no error. `timeout_s` -1 waits for ever."""
    query = {"signal": signal or None, "t": timeout_s}
    yield Request("POST", f"/containers/{quote(name)}/stop", query)


def restart(name: str, *, signal: str = "", timeout_s: int | None = None) -> Call[None]:
    query = {"signal": signal or None, "t": timeout_s}
    yield Request("POST", f"/containers/{quote(name)}/restart", query)


def kill(name: str, signal: str = "") -> Call[None]:
    """`signal` by name or number; the engine's default is KILL."""
    yield Request("POST", f"/containers/{quote(name)}/kill", {"signal": signal or None})


def remove(
    name: str, *, force: bool = False, volumes: bool = False, link: bool = False
) -> Call[None]:
    query = {"force": force or None, "v": volumes or None, "link": link or None}
    yield Request("DELETE", f"/containers/{quote(name)}", query)


def rename(name: str, new_name: str) -> Call[None]:
    yield Request("POST", f"/containers/{quote(name)}/rename", {"name": new_name})


def pause(name: str) -> Call[None]:
    yield Request("POST", f"/containers/{quote(name)}/pause")


def unpause(name: str) -> Call[None]:
    yield Request("POST", f"/containers/{quote(name)}/unpause")


def resize(name: str, *, height: int, width: int) -> Call[None]:
    yield Request("POST", f"/containers/{quote(name)}/resize", {"h": height, "w": width})


def wait(name: str, condition: str = "") -> Call[RawStream]:
    """A stream of one document, `{"StatusCode", "Error"}`, that comes when the condition holds.

    `condition` is not-running, next-exit or removed. The engine answers with its headers once it
    watches, so what is started after this call returned cannot exit unseen.
    """
    query = {"condition": condition or None}
    response = yield Request("POST", f"/containers/{quote(name)}/wait", query, answer=STREAMED)
    return response.opened()


def attach(
    name: str,
    *,
    stdin: bool = False,
    stdout: bool = False,
    stderr: bool = False,
    logs: bool = False,
    detach_keys: str = "",
) -> Call[RawStream]:
    """The raw connection: multiplexed unless the container has a terminal."""
    query = {
        "stream": True,
        "stdin": stdin or None,
        "stdout": stdout or None,
        "stderr": stderr or None,
        "logs": logs or None,
        "detachKeys": detach_keys or None,
    }
    response = yield Request("POST", f"/containers/{quote(name)}/attach", query, answer=HIJACKED)
    return response.opened()


def logs(
    name: str,
    *,
    follow: bool = False,
    since: str = "",
    until: str = "",
    tail: str = "",
    timestamps: bool = False,
    details: bool = False,
) -> Call[tuple[RawStream, bool]]:
    """The log and whether it is multiplexed (it is not when the container has a terminal).

    Engines since API 1.42 tell by the content type; older ones have to be asked.
    """
    query = {
        "stdout": True,
        "stderr": True,
        "follow": follow or None,
        "since": since or None,
        "until": until or None,
        "tail": tail or None,
        "timestamps": timestamps or None,
        "details": details or None,
    }
    path = f"/containers/{quote(name)}/logs"
    response = yield Request("GET", path, query, answer=STREAMED)
    content_type = response.headers.get("content-type", "")
    if content_type == "application/vnd.docker.multiplexed-stream":
        return response.opened(), True
    document = yield from inspect(name)
    return response.opened(), not document["Config"]["Tty"]


def top(name: str, ps_arguments: str = "") -> Call[Document]:
    """`{"Titles", "Processes"}`, as the host's `ps` shows them."""
    query = {"ps_args": ps_arguments or None}
    response = yield Request("GET", f"/containers/{quote(name)}/top", query)
    found: Document = response.json()
    return found


def stats(name: str, *, stream: bool = True, one_shot: bool = False) -> Call[RawStream]:
    """A stream of samples, one a second; without `stream` one that knows the one before it."""
    query = {"stream": stream, "one-shot": one_shot or None}
    response = yield Request("GET", f"/containers/{quote(name)}/stats", query, answer=STREAMED)
    return response.opened()


def update(name: str, document: Document) -> Call[Document]:
    """`{"Warnings"}`."""
    response = yield Request("POST", f"/containers/{quote(name)}/update", document=document)
    updated: Document = response.json() or {}
    return updated


def commit(
    name: str,
    *,
    repository: str = "",
    tag: str = "",
    author: str = "",
    comment: str = "",
    changes: list[str] | None = None,
    pause: bool = True,
) -> Call[str]:
    """The id of the new image. `changes` are lines of a Dockerfile."""
    query = {
        "container": name,
        "repo": repository or None,
        "tag": tag or None,
        "author": author or None,
        "comment": comment or None,
        "changes": changes or None,
        "pause": None if pause else 0,
    }
    response = yield Request("POST", "/commit", query, document={})
    identity: str = response.json()["Id"]
    return identity
