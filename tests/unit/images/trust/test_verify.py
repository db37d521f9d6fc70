"""Pulls under a policy, from a real registry, with signatures made as cosign makes them."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from lading.images.trust import SignatureRefused, Trust
from lading.images.trust.policy import BadPolicy
from lading.images.trust.signatures import ANNOTATION, ARTIFACT_TYPE, PAYLOAD_TYPE
from lading.oci import media_types

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry
    from tests.unit.images.conftest import Engine, Pushing

Sign = Callable[[bytes], bytes]


class Signer:
    """A key pair: a file with the public one, and what the private one makes."""

    def __init__(self, path: Path, kind: str = "ecdsa") -> None:
        self.path = path
        private: Any
        if kind == "rsa":
            private = rsa.generate_private_key(65537, 2048)
            self.sign: Sign = lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        elif kind == "ed25519":
            private = ed25519.Ed25519PrivateKey.generate()
            self.sign = private.sign
        else:
            private = ec.generate_private_key(ec.SECP256R1())
            self.sign = lambda data: private.sign(data, ec.ECDSA(hashes.SHA256()))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        path.write_bytes(private.public_key().public_bytes(serialization.Encoding.PEM, form))


def manifest(
    registry: "DockerRegistry", name: str, digest: str, signers: list[Signer], said: str
) -> dict[str, Any]:
    """A signature manifest: a layer for each signer."""
    critical = {
        "identity": {"docker-reference": said},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": None}).encode()
    config = registry.push_blob(name, b"{}")
    blob = registry.push_blob(name, payload)
    return {
        "schemaVersion": 2,
        "mediaType": media_types.MANIFEST,
        "config": {"mediaType": media_types.CONFIG, **config},
        "layers": [
            {
                "mediaType": PAYLOAD_TYPE,
                "annotations": {ANNOTATION: base64.b64encode(each.sign(payload)).decode()},
                **blob,
            }
            for each in signers
        ],
    }


class Place:
    """An image in a registry, a policy for it, and the engine that pulls it."""

    def __init__(
        self, engine: "Engine", registry: "DockerRegistry", make: "Pushing", directory: Path
    ) -> None:
        self.registry, self.engine = registry, engine
        self.repository = f"trust/{directory.name.replace('_', '-').lower()}"
        self.name = f"{registry.address}/{self.repository}"
        self.digest = make.image(registry, self.repository, "1", [make.layer({"a": b"one"})])
        self.file = directory / "policy.json"
        engine.trust = Trust(str(self.file))

    def require(self, *signers: Signer, **more: object) -> None:
        paths = [str(signer.path) for signer in signers]
        requirement = {"type": "sigstoreSigned", "keyPaths": paths, **more}
        scopes = {self.registry.address: [requirement]}
        document = {"default": [{"type": "reject"}], "transports": {"docker": scopes}}
        self.file.write_text(json.dumps(document))

    def sign(self, *signers: Signer, digest: str = "", said: str = "") -> dict[str, Any]:
        document = manifest(
            self.registry,
            self.repository,
            digest or self.digest,
            list(signers),
            said or self.name,
        )
        tag = self.digest.replace(":", "-") + ".sig"
        self.registry.push_manifest(self.repository, tag, document)
        return document

    def pull(self) -> list[str]:
        """The messages of a pull."""
        said: list[dict[str, Any]] = []
        self.engine.run(lambda images: images.pull(f"{self.name}:1", progress=said.append))
        return [str(message.get("status")) for message in said]

    def refusal(self) -> str:
        with pytest.raises(SignatureRefused) as caught:
            self.pull()
        assert self.engine.run(lambda images: images.list()) == []
        return str(caught.value)


@pytest.fixture
def place(
    engine: "Engine", docker_registry: "DockerRegistry", make: "Pushing", tmp_path: Path
) -> Place:
    return Place(engine, docker_registry, make, tmp_path)


@pytest.mark.parametrize("kind", ["ecdsa", "ed25519", "rsa"])
def test_an_image_that_is_signed_is_pulled(place: Place, tmp_path: Path, kind: str) -> None:
    signer = Signer(tmp_path / "key.pub", kind)
    place.require(Signer(tmp_path / "other.pub"), signer)
    place.sign(Signer(tmp_path / "third.pub"), signer)
    assert f"Signature verified by {signer.path}" in place.pull()


def test_an_image_that_is_not_signed_is_refused(place: Place, tmp_path: Path) -> None:
    place.require(Signer(tmp_path / "key.pub"))
    assert place.refusal() == (
        f"{place.name}:1 is refused by the signature policy: no signature of {place.digest} exists"
    )


def test_a_signature_by_somebody_else_is_refused(place: Place, tmp_path: Path) -> None:
    place.require(Signer(tmp_path / "key.pub"))
    place.sign(Signer(tmp_path / "other.pub"))
    assert place.refusal().endswith(f"none of its signatures is by {tmp_path}/key.pub")


def test_a_signature_of_another_image_is_refused(place: Place, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    place.sign(signer, digest="sha256:" + "b" * 64)
    assert f"the signature by {signer.path} does not count" in place.refusal()


def test_a_signature_for_another_repository_is_refused(place: Place, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    place.sign(signer, said="example.org/other")
    assert place.refusal().endswith("it is for example.org/other")


def test_a_payload_that_was_changed_is_refused(place: Place, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    document = place.sign(signer)
    changed = json.dumps({"critical": {}}).encode()
    document["layers"][0].update(place.registry.push_blob(place.repository, changed))
    place.registry.push_manifest(
        place.repository, place.digest.replace(":", "-") + ".sig", document
    )
    assert "none of its signatures is by" in place.refusal()


def test_signatures_that_refer_to_the_image_are_found(place: Place, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    document = manifest(place.registry, place.repository, place.digest, [signer], place.name)
    digest = place.registry.push_manifest(place.repository, "signature", document)
    listed = {
        "mediaType": media_types.MANIFEST,
        "digest": digest,
        "size": len(json.dumps(document)),
        "artifactType": ARTIFACT_TYPE,
    }
    # where a registry has no referrers API, clients keep this index; Debian's has none
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": [listed]}
    place.registry.push_manifest(place.repository, place.digest.replace(":", "-"), index)
    assert f"Signature verified by {signer.path}" in place.pull()


def test_a_signature_of_the_index_holds_for_what_is_in_it(place: Place, tmp_path: Path) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    entry = {
        "mediaType": media_types.MANIFEST,
        "digest": place.digest,
        "size": 0,
        "platform": {"architecture": "amd64", "os": "linux"},
    }
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": [entry]}
    place.digest = place.registry.push_manifest(place.repository, "1", index)
    assert place.digest == f"sha256:{hashlib.sha256(json.dumps(index).encode()).hexdigest()}"
    place.sign(signer)
    assert f"Signature verified by {signer.path}" in place.pull()


def test_a_policy_may_reject_and_accept_without_keys(place: Place) -> None:
    place.file.write_text('{"default": [{"type": "reject"}]}')
    assert place.refusal().endswith("no image of this name may be pulled")
    place.file.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    assert not any("Signature" in line for line in place.pull())


@pytest.mark.parametrize("text", ["", "{", None])
def test_without_a_policy_that_can_be_read_nothing_is_pulled(
    place: Place, text: str | None
) -> None:
    if text is not None:
        place.file.write_text(text)
    with pytest.raises(BadPolicy):
        place.pull()


@pytest.mark.parametrize("data", [b"", b"no key", None])
def test_a_key_that_cannot_be_read_is_an_error(
    place: Place, tmp_path: Path, data: bytes | None
) -> None:
    signer = Signer(tmp_path / "key.pub")
    place.require(signer)
    signer.path.unlink() if data is None else signer.path.write_bytes(data)
    with pytest.raises(BadPolicy, match=r"key\.pub"):
        place.pull()
