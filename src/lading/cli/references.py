"""Image references as the command line needs them: which repository, which tag, how to say it."""

from __future__ import annotations

_HUB = ("docker.io/library/", "index.docker.io/library/", "docker.io/", "index.docker.io/")


def split(reference: str) -> tuple[str, str]:
    """(repository, tag or digest); "latest" when neither is there."""
    name, at, digest = reference.partition("@")
    repository, tag = _split_tag(name)
    if at:
        return repository, digest
    return repository, tag or "latest"


def _split_tag(name: str) -> tuple[str, str]:
    # a colon before the last slash belongs to a registry's port
    path, colon, tag = name.rpartition(":")
    return (path, tag) if colon and "/" not in tag else (name, "")


def familiar(reference: str) -> str:
    """As Docker says it: `busybox:latest`, without the hub's own names."""
    name, at, digest = reference.partition("@")
    repository, tag = _split_tag(name)
    for prefix in _HUB:
        if repository.startswith(prefix):
            repository = repository[len(prefix) :]
            break
    if at:
        return f"{repository}:{tag}@{digest}" if tag else f"{repository}@{digest}"
    return f"{repository}:{tag or 'latest'}"


def complete(reference: str) -> str:
    """With the registry that is meant: `docker.io/library/busybox:latest`."""
    short = familiar(reference)
    first, slash, _ = short.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return short
    return f"docker.io/{short}" if slash else f"docker.io/library/{short}"


def has_tag(reference: str) -> bool:
    """True when it names a tag or a digest itself."""
    return "@" in reference or bool(_split_tag(reference)[1])
