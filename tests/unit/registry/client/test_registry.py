"""From a reference to manifests and blobs, with Debian's registry and with faulty ones."""

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lading.errors import LadingError
from lading.oci import media_types
from lading.oci import reference as references
from lading.oci.manifest import Manifest
from lading.registry.client import Cancellation, Registry, Settings, errors
from lading.registry.client.transport import Transport
from lading.registry.client.trust import VERIFIED

if TYPE_CHECKING:
    from tests.conftest import DockerRegistry
    from tests.unit.registry.client.conftest import FaultServer

CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


def push_image(registry: "DockerRegistry", repository: str, tag: str) -> str:
    config = registry.push_blob(repository, CONFIG)
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": media_types.MANIFEST,
        "config": {"mediaType": media_types.CONFIG, **config},
        "layers": [],
    }
    return registry.push_manifest(repository, tag, document)


def resolve_error(registry: Registry, text: str) -> LadingError:
    with pytest.raises(LadingError) as caught:
        registry.resolve(references.parse(text), cancellation=Cancellation())
    return caught.value


def test_a_tag_is_resolved_and_its_manifest_read(
    registry: Registry, docker_registry: "DockerRegistry", cancellation: Cancellation
) -> None:
    digest = push_image(docker_registry, "resolve/app", "v1")
    reference = references.parse(f"{docker_registry.address}/resolve/app:v1")
    repository, descriptor = registry.resolve(reference, cancellation=cancellation)
    assert descriptor.digest == digest
    fetched = registry.fetch_manifest(repository, digest, cancellation=cancellation)
    assert f"sha256:{hashlib.sha256(fetched.data).hexdigest()}" == digest
    assert isinstance(fetched.parsed, Manifest)
    by_digest = registry.resolve(reference.with_digest(digest), cancellation=cancellation)[1]
    assert by_digest.digest == digest


def test_a_missing_tag_is_told_in_dockers_words(
    registry: Registry, docker_registry: "DockerRegistry"
) -> None:
    push_image(docker_registry, "resolve/app", "v1")
    error = resolve_error(registry, f"{docker_registry.address}/resolve/app:v2")
    assert error.status == 404
    assert str(error) == (
        f"manifest for {docker_registry.address}/resolve/app:v2 not found:"
        " manifest unknown: manifest unknown"
    )


def test_a_refused_connection_is_told_as_go_does(registry: Registry) -> None:
    error = resolve_error(registry, "127.0.0.1:1/app")
    assert str(error) == (
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused'
    )


def test_an_unknown_host_is_told_as_go_does(registry: Registry) -> None:
    error = resolve_error(registry, "registry.invalid/app")
    assert str(error).startswith(
        'Get "https://registry.invalid/v2/": dial tcp: lookup registry.invalid: '
    )


def test_what_is_denied_is_told_in_dockers_words(
    registry: Registry, fault_server: "FaultServer"
) -> None:
    body = {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}
    answer = fault_server.answers["/v2/"][0]._replace(status=403, body=json.dumps(body).encode())
    fault_server.answers["/v2/private/manifests/latest"] = [answer]
    error = resolve_error(registry, f"{fault_server.address}/private")
    assert str(error) == (
        f"pull access denied for {fault_server.address}/private, repository does not exist or may"
        " require 'docker login': denied: requested access to the resource is denied"
    )
    assert error.status == 404


def test_a_token_is_fetched_once_and_sent(
    registry: Registry, fault_server: "FaultServer", cancellation: Cancellation
) -> None:
    answer = fault_server.answers["/v2/"][0]
    challenge = f'Bearer realm="{fault_server.url}/token",service="here",scope="x"'
    headers = {"WWW-Authenticate": challenge}
    fault_server.answers["/v2/"] = [answer._replace(status=401, headers=headers)]
    fault_server.answers["/token"] = [answer._replace(body=b'{"token":"secret","expires_in":60}')]
    document = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    fault_server.answers["/v2/team/app/manifests/latest"] = [answer._replace(body=document)]
    reference = references.parse(f"{fault_server.address}/team/app")
    registry.resolve(reference, cancellation=cancellation)
    paths = [path for _, path, _ in fault_server.requests]
    assert "/token?service=here&scope=repository%3Ateam%2Fapp%3Apull" in paths
    assert len([path for path in paths if path.startswith("/token")]) == 1
    sent = fault_server.authorizations("/v2/team/app/manifests/latest")
    assert sent == ["Bearer secret", "Bearer secret"]


def test_a_registry_that_wants_a_password_says_so(
    registry: Registry, fault_server: "FaultServer"
) -> None:
    answer = fault_server.answers["/v2/"][0]
    headers = {"WWW-Authenticate": 'Basic realm="x"'}
    fault_server.answers["/v2/"] = [answer._replace(status=401, headers=headers)]
    error = resolve_error(registry, f"{fault_server.address}/app")
    assert error.status == 401
    assert str(error).startswith('Head "http://')
    assert str(error).endswith('/manifests/latest": no basic auth credentials')


def test_a_busy_registry_is_asked_again(
    fault_server: "FaultServer", cancellation: Cancellation, registry: Registry
) -> None:
    answer = fault_server.answers["/v2/"][0]
    document = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    fault_server.answers["/v2/app/manifests/latest"] = [
        answer._replace(status=503),
        answer._replace(status=503),
        answer._replace(status=429, headers={"Retry-After": "0"}),
        answer._replace(status=429, headers={"Retry-After": "0"}),
        answer._replace(body=document),
    ]
    reference = references.parse(f"{fault_server.address}/app")
    registry.resolve(reference, cancellation=cancellation)


def test_a_busy_registry_is_given_up_after_five_attempts(
    fault_server: "FaultServer", registry: Registry
) -> None:
    answer = fault_server.answers["/v2/"][0]._replace(status=502)
    fault_server.answers["/v2/app/manifests/latest"] = [answer]
    error = resolve_error(registry, f"{fault_server.address}/app")
    assert str(error) == "received unexpected HTTP status: 502 Bad Gateway"
    heads = [path for method, path, _ in fault_server.requests if method == "HEAD"]
    assert len(heads) == 5


def test_a_manifest_with_another_digest_is_refused(
    registry: Registry, fault_server: "FaultServer", cancellation: Cancellation
) -> None:
    digest = "sha256:" + "a" * 64
    body = b'{"schemaVersion":2,"manifests":[]}'
    answer = fault_server.answers["/v2/"][0]._replace(body=body)
    fault_server.answers[f"/v2/app/manifests/{digest}"] = [answer]
    error = resolve_error(registry, f"{fault_server.address}/app@{digest}")
    assert str(error) == f"manifest verification failed for digest {digest}"


def test_a_manifest_that_is_too_large_is_refused(
    registry: Registry, fault_server: "FaultServer"
) -> None:
    body = b" " * (4 * 1024 * 1024 + 1)
    answer = fault_server.answers["/v2/"][0]._replace(body=body)
    fault_server.answers["/v2/app/manifests/latest"] = [answer]
    error = resolve_error(registry, f"{fault_server.address}/app")
    assert "larger than 4194304 bytes" in str(error)


def test_a_mirror_that_fails_is_passed_over(
    fault_server: "FaultServer",
    docker_registry: "DockerRegistry",
    cancellation: Cancellation,
) -> None:
    digest = push_image(docker_registry, "library/mirrored", "latest")
    mirrors = (fault_server.url, "http://127.0.0.1:1", f"http://{docker_registry.address}/")
    with closing(Registry(Settings(mirrors=mirrors))) as client:
        repository, descriptor = client.resolve(
            references.parse("mirrored"), cancellation=cancellation
        )
    assert descriptor.digest == digest
    assert repository.session.endpoint.host == docker_registry.address


def test_https_on_loopback_needs_no_good_certificate(
    registry: Registry, secure_registry: "tuple[DockerRegistry, Path]", cancellation: Cancellation
) -> None:
    address = secure_registry[0].address
    error = resolve_error(registry, f"{address}/app")
    assert isinstance(error, errors.ManifestUnknown)


def test_an_authority_of_certs_d_is_trusted(
    secure_registry: "tuple[DockerRegistry, Path]", tmp_path: Path, cancellation: Cancellation
) -> None:
    """Asked with verification, as a registry outside of the loopback network is."""
    server, certificate = secure_registry
    url = f"https://{server.address}/v2/"
    distrusting = Transport(Settings(certificates=None))
    with pytest.raises(errors.Unreachable, match="signed by unknown authority"):
        distrusting.request("GET", url, {}, cancellation=cancellation, trust=VERIFIED)
    host = tmp_path / "certs.d" / server.address
    host.mkdir(parents=True)
    (host / "ca.crt").write_bytes(certificate.read_bytes())
    trusting = Transport(Settings(certificates=str(tmp_path / "certs.d")))
    with trusting.request("GET", url, {}, cancellation=cancellation, trust=VERIFIED) as response:
        assert (response.status, response.read_all(100)) == (200, b"{}")
    trusting.close()
