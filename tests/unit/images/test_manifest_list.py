"""The bytes of a manifest list, and what may be in one."""

import pytest

from lading.images import manifest_list
from lading.oci import digest as digests
from lading.oci import media_types
from lading.oci import reference as references
from lading.oci.manifest import Descriptor
from lading.oci.platform import Platform

NAME = references.parse("example.org/a:1")
DIGEST = "sha256:91a669de293b5ae3e15bb1283612538e50bb44e868ad6374e8ed502198757b14"


def entry(
    architecture: str, variant: str = "", kind: str = media_types.DOCKER_MANIFEST
) -> Descriptor:
    return Descriptor(kind, DIGEST, 427, platform=Platform(architecture, "linux", variant))


def test_the_bytes_are_those_that_docker_makes() -> None:
    data = manifest_list.encode([entry("amd64"), entry("arm64", "v8")], [NAME, NAME])
    # what `docker manifest push` (28.5.2) said of the same two manifests
    assert digests.of(data) == (
        "sha256:1785bcc3775e989466b8d9f89fee9f786dc8bbba50644b96fea7c7ee5e736aa8"
    )


def test_one_oci_manifest_makes_it_an_index() -> None:
    entries = [entry("amd64"), entry("arm64", kind=media_types.MANIFEST)]
    assert manifest_list.media_type_of(entries) == media_types.INDEX
    assert manifest_list.media_type_of(entries[:1]) == media_types.DOCKER_MANIFEST_LIST


@pytest.mark.parametrize("platform", [None, Platform("", "linux"), Platform("amd64", "")])
def test_an_entry_without_a_platform_is_refused(platform: Platform | None) -> None:
    bare = Descriptor(media_types.MANIFEST, DIGEST, 427, platform=platform)
    with pytest.raises(manifest_list.NoPlatform, match="must have an OS and Architecture"):
        manifest_list.encode([bare], [NAME])
