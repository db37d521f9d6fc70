"""Calls on images. Spec: Docker Engine API, tag Image; `from_host` is Lading's own."""

from __future__ import annotations

from lading.sdk.request import STREAMED, Request, encode_filters, quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lading.sdk.client import RawStream
    from lading.sdk.request import Call, Document


def list_(
    *, all: bool = False, digests: bool = False, filters: Mapping[str, list[str]] | None = None
) -> Call[list[Document]]:
    query = {
        "all": all or None,
        "digests": digests or None,
        "filters": encode_filters(filters or {}),
    }
    response = yield Request("GET", "/images/json", query)
    found: list[Document] = response.json() or []
    return found


def inspect(name: str) -> Call[Document]:
    response = yield Request("GET", f"/images/{quote(name, '/:@')}/json")
    found: Document = response.json()
    return found


def history(name: str) -> Call[list[Document]]:
    response = yield Request("GET", f"/images/{quote(name, '/:@')}/history")
    layers: list[Document] = response.json() or []
    return layers


def pull(
    repository: str, tag: str, *, platform: str = "", auth: Mapping[str, str] | None = None
) -> Call[RawStream]:
    """A stream of progress documents. `tag` may be a digest; "" pulls every tag.

    `auth` is a header: see X-Registry-Auth in the Engine API.
    """
    query = {"fromImage": repository, "tag": tag or None, "platform": platform or None}
    response = yield Request("POST", "/images/create", query, headers=auth, answer=STREAMED)
    return response.opened()


def push(
    repository: str, tag: str, *, platform: str | None = None, auth: Mapping[str, str]
) -> Call[RawStream]:
    """A stream of progress documents. "" pushes every tag; `platform` is JSON."""
    query = {"tag": tag or None, "platform": platform}
    path = f"/images/{quote(repository, '/:@')}/push"
    response = yield Request("POST", path, query, headers=auth, answer=STREAMED)
    return response.opened()


def import_(
    archive: Iterable[bytes] | None,
    *,
    source: str,
    repository: str = "",
    tag: str = "",
    message: str = "",
    changes: list[str] | None = None,
    platform: str = "",
) -> Call[RawStream]:
    """A stream of progress documents, the last `status` is the ID. `source` "-" is `archive`."""
    query = {
        "fromSrc": source,
        "repo": repository or None,
        "tag": tag or None,
        "message": message or None,
        "changes": changes or [],
        "platform": platform or None,
    }
    response = yield Request("POST", "/images/create", query, chunks=archive, answer=STREAMED)
    return response.opened()


def save(names: list[str], *, platforms: list[str] | None = None) -> Call[RawStream]:
    """An archive as a stream of bytes; `platforms` are JSON."""
    query = {"names": names, "platform": platforms or []}
    response = yield Request("GET", "/images/get", query, answer=STREAMED)
    return response.opened()


def prune(*, filters: Mapping[str, list[str]], dry_run: bool = False) -> Call[Document]:
    """`{"ImagesDeleted": [...], "SpaceReclaimed": bytes}`."""
    query = {"filters": encode_filters(filters), "dry-run": dry_run or None}
    response = yield Request("POST", "/images/prune", query)
    done: Document = response.json()
    return done


def search(term: str, *, limit: int, filters: Mapping[str, list[str]]) -> Call[list[Document]]:
    """What an index knows."""
    query = {"term": term, "limit": limit or None, "filters": encode_filters(filters)}
    response = yield Request("GET", "/images/search", query)
    hits: list[Document] = response.json() or []
    return hits


def login(auth: Document) -> Call[Document]:
    """`{"Status", "IdentityToken"}`."""
    response = yield Request("POST", "/auth", document=auth)
    answer: Document = response.json()
    return answer


def distribution(name: str, *, auth: Mapping[str, str] | None = None) -> Call[Document]:
    """What a registry has under a name."""
    response = yield Request("GET", f"/distribution/{quote(name, '/:@')}/json", headers=auth)
    found: Document = response.json()
    return found


def load(archive: Iterable[bytes], *, quiet: bool = False, platform: str = "") -> Call[RawStream]:
    """A stream of progress documents."""
    query = {"quiet": quiet, "platform": platform or None}
    response = yield Request("POST", "/images/load", query, chunks=archive, answer=STREAMED)
    return response.opened()


def tag(source: str, *, repository: str, tag: str) -> Call[None]:
    query = {"repo": repository, "tag": tag or None}
    yield Request("POST", f"/images/{quote(source, '/:@')}/tag", query)


def remove(name: str, *, force: bool = False, no_prune: bool = False) -> Call[list[Document]]:
    """What went: `{"Untagged": reference}` and `{"Deleted": id}`."""
    query = {"force": force or None, "noprune": no_prune or None}
    response = yield Request("DELETE", f"/images/{quote(name, '/:@')}", query)
    removed: list[Document] = response.json() or []
    return removed


def copy(
    source: str,
    target: str,
    *,
    archive: Iterable[bytes] | None = None,
    platform: str = "",
    source_auth: Mapping[str, str] | None = None,
    auth: Mapping[str, str] | None = None,
) -> Call[RawStream]:
    """Copy to a registry, from another one or (source "") from an archive; a progress stream.

    Lading's own.
    """
    query = {"from": source or None, "to": target, "platform": platform or None}
    headers = dict(auth or {})
    for value in (source_auth or {}).values():
        headers["X-Lading-Source-Auth"] = value
    response = yield Request(
        "POST",
        "/lading/images/copy",
        query,
        chunks=archive,
        headers=headers,
        answer=STREAMED,
        versioned=False,
    )
    return response.opened()


def fetch_archive(
    source: str, *, platform: str = "", auth: Mapping[str, str] | None = None
) -> Call[RawStream]:
    """An archive of what a registry has, as a stream of bytes. Lading's own."""
    query = {"from": source, "platform": platform or None}
    response = yield Request(
        "POST",
        "/lading/images/fetch-archive",
        query,
        headers=auth,
        answer=STREAMED,
        versioned=False,
    )
    return response.opened()


def explore(name: str, *, platform: str = "", files: bool = False) -> Call[Document]:
    """`{"Layers": [...], "Size", "Wasted", "Waste": [...]}`. Lading's own."""
    query = {"platform": platform or None, "files": files or None}
    path = f"/lading/images/{quote(name, '/:@')}/explore"
    response = yield Request("GET", path, query, versioned=False)
    found: Document = response.json()
    return found


def usage() -> Call[list[Document]]:
    """`{"Id", "RepoTags", "Size", "SharedSize", "UniqueSize", "BlobSize", "Containers", "Added",
    "LastUsed"}` of each image. Lading's own.
    """
    response = yield Request("GET", "/lading/images/usage", versioned=False)
    rows: list[Document] = response.json() or []
    return rows


def manifest(
    name: str, *, deep: bool = False, insecure: bool = False, auth: Mapping[str, str]
) -> Call[Document]:
    """`{"Ref", "Descriptor", "Raw" (base64), "Manifests"}` as a registry has it. Lading's own."""
    query = {"name": name, "deep": deep or None, "insecure": insecure or None}
    response = yield Request(
        "GET", "/lading/registry/manifest", query, headers=auth, versioned=False
    )
    found: Document = response.json()
    return found


def push_list(
    target: str, entries: list[Document], *, insecure: bool = False, auth: Mapping[str, str]
) -> Call[RawStream]:
    """Push an index of `{"Ref", "Descriptor"}`; a stream of progress. Lading's own."""
    response = yield Request(
        "POST",
        "/lading/registry/manifest-list",
        {"name": target, "insecure": insecure or None},
        document={"Manifests": entries},
        headers=auth,
        answer=STREAMED,
        versioned=False,
    )
    return response.opened()


def fsck(*, repair: bool = False) -> Call[list[Document]]:
    """`{"kind", "name", "detail", "repaired"}` of each thing that is wrong; none when all is well.

    Lading's own.
    """
    query = {"repair": repair or None}
    response = yield Request("POST", "/lading/images/fsck", query, versioned=False)
    findings: list[Document] = response.json()["findings"] or []
    return findings


def from_host(tag: str, tools: list[str]) -> Call[RawStream]:
    """Assemble an image of the host's own tools; a stream of progress documents."""
    document = {"tag": tag, "tools": tools}
    response = yield Request(
        "POST", "/lading/images/from-host", document=document, answer=STREAMED, versioned=False
    )
    return response.opened()
