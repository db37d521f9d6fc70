"""Pushing to Debian's registry: digests that stay, blobs that are not sent twice, credentials."""

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from lading.errors import LadingError
from lading.images.image import Image
from lading.images.push import NoSuchTag, NothingToPush
from lading.images.service import Images
from lading.oci import media_types
from lading.oci.digest import of as digest_of
from lading.registry.client import Credentials, errors
from lading.registry.client.access import ANONYMOUS
from lading.registry.client.login import LoginRefused

if TYPE_CHECKING:
    from tests.conftest import CuttingProxy, DockerRegistry
    from tests.token_server import TokenServer
    from tests.unit.images.conftest import Engine, Pushing

ME = Credentials("me", "secret")


async def chunks(data: bytes) -> Any:
    yield data


def made(engine: "Engine", make: "Pushing", *names: str, **files: bytes) -> Image:
    """An image of one layer, with these names."""

    async def use(images: Images) -> Image:
        image = await images.making.import_(chunks(make.tar(files or {"a": b"1"})), name=names[0])
        for name in names[1:]:
            await images.tag(image.id, name)
        return await images.resolve(image.id)

    return engine.run(use)


def push(engine: "Engine", name: str, who: Credentials = ANONYMOUS) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = []

    async def use(images: Images) -> None:
        await images.outgoing.push(name, credentials=who, progress=messages.append)

    engine.run(use)
    return messages


def get(url: str, *accepted: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": ", ".join(accepted)})
    with urllib.request.urlopen(request) as response:
        data: bytes = response.read()
        return data


def test_a_pushed_image_keeps_its_digest(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    name = f"{docker_registry.address}/push/app"
    image = made(engine, make, f"{name}:v1")
    messages = push(engine, f"{name}:v1")
    assert messages[0] == {"status": f"The push refers to repository [{name}]"}
    size = image.descriptor.size
    assert {"status": f"v1: digest: {image.id} size: {size}"} in messages
    aux = {"Tag": "v1", "Digest": image.id, "Size": size}
    assert messages[-1] == {"progressDetail": {}, "aux": aux}

    async def again(images: Images) -> Image:
        await images.remove(image.id, force=True)
        return await images.pull(f"{name}:v1")

    assert engine.run(again).id == image.id


def test_each_layer_tells_how_it_goes(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    name = f"{docker_registry.address}/push/told"
    made(engine, make, f"{name}:1", told=b"x" * 3_000_000)
    first = [m["status"] for m in push(engine, f"{name}:1") if "id" in m]
    assert first[0] == "Preparing"
    assert (first[-1], set(first[1:-1])) == ("Pushed", {"Pushing"})
    second = [m["status"] for m in push(engine, f"{name}:1") if "id" in m]
    assert second == ["Preparing", "Layer already exists"]


def test_a_blob_of_another_repository_is_mounted(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    first, second = (f"{docker_registry.address}/mount/{n}:1" for n in ("first", "second"))
    made(engine, make, first, second, mounted=b"m" * 10_000)
    push(engine, first)
    assert "Mounted from mount/first" in [m.get("status") for m in push(engine, second)]


def test_every_tag_goes_when_none_is_said(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    name = f"{docker_registry.address}/push/tags"
    made(engine, make, f"{name}:a", f"{name}:b")
    push(engine, name)
    tags = json.loads(get(f"http://{docker_registry.address}/v2/push/tags/tags/list"))["tags"]
    assert sorted(tags) == ["a", "b"]


def test_what_is_not_here_cannot_be_pushed(engine: "Engine", make: "Pushing") -> None:
    with pytest.raises(NothingToPush, match="An image does not exist locally with the tag: nope"):
        push(engine, "nope")
    made(engine, make, "here:1")
    with pytest.raises(NoSuchTag, match="tag does not exist: here:2"):
        push(engine, "here:2")


def test_a_broken_upload_goes_on_where_it_stopped(
    engine: "Engine",
    make: "Pushing",
    docker_registry: "DockerRegistry",
    cutting_proxy: Any,
) -> None:
    """The proxy cuts answers; the registry's answer to the first upload never arrives."""
    proxy: CuttingProxy = cutting_proxy(docker_registry.port, [700, 700, 900])
    name = f"{proxy.address}/push/broken:1"
    image = made(engine, make, name, broken=b"b" * 2_000_000)
    push(engine, name)
    url = f"http://{docker_registry.address}/v2/push/broken/manifests/1"
    assert len(get(url, media_types.MANIFEST)) == image.descriptor.size


def test_a_platform_goes_instead_of_an_index_that_is_not_whole_here(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    layers = [make.layer({"a": b"1"})]
    entries: list[object] = []
    for architecture in ("amd64", "arm64"):
        make.image(docker_registry, "index/app", architecture, layers, architecture=architecture)
        data = get(
            f"http://{docker_registry.address}/v2/index/app/manifests/{architecture}",
            media_types.MANIFEST,
        )
        digest = digest_of(data)
        platform = {"os": "linux", "architecture": architecture}
        entry = {"mediaType": media_types.MANIFEST, "digest": digest, "size": len(data)}
        entries.append({**entry, "platform": platform})
    index = {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": entries}
    digest = docker_registry.push_manifest("index/app", "both", index)
    other = f"{docker_registry.address}/index/other:x"

    async def use(images: Images) -> list[dict[str, object]]:
        messages: list[dict[str, object]] = []
        await images.pull(f"{docker_registry.address}/index/app:both")
        await images.tag(digest, other)
        await images.outgoing.push(other, progress=messages.append)
        return messages

    messages = engine.run(use)
    pushed = json.loads(
        get(f"http://{docker_registry.address}/v2/index/other/manifests/x", *media_types.ACCEPTED)
    )
    # only one platform was pulled: its manifest is what the new repository gets
    assert pushed["config"]["mediaType"] == media_types.CONFIG
    aux = messages[-1]["aux"]
    assert isinstance(aux, dict)
    assert aux["manifestPushedInsteadOfIndex"] is True
    assert aux["originalIndex"]["digest"] == digest


def test_names_and_passwords_open_a_registry(
    engine: "Engine", make: "Pushing", basic_registry: "DockerRegistry"
) -> None:
    name = f"{basic_registry.address}/basic/app:1"
    image = made(engine, make, name)
    with pytest.raises(errors.AuthenticationRequired, match="no basic auth credentials"):
        push(engine, name)
    push(engine, name, ME)

    async def use(images: Images) -> Image:
        await images.remove(image.id)
        return await images.pull(name, credentials=ME)

    assert engine.run(use).id == image.id


def test_login_tries_the_credentials(engine: "Engine", basic_registry: "DockerRegistry") -> None:
    async def login(images: Images, password: str) -> str:
        return await images.outgoing.login(basic_registry.address, Credentials("me", password))

    assert engine.run(lambda images: login(images, "secret")) == ""
    with pytest.raises(LoginRefused, match=r"login attempt to .* failed with status: 401 Unauth"):
        engine.run(lambda images: login(images, "wrong"))


def test_a_token_is_for_what_is_done(
    engine: "Engine",
    make: "Pushing",
    token_registry: "DockerRegistry",
    token_server: "TokenServer",
) -> None:
    name = f"{token_registry.address}/token/app:1"
    image = made(engine, make, name)
    with pytest.raises(LadingError, match="requested access to the resource is denied"):
        push(engine, name)
    push(engine, name, ME)
    scopes = [scope for _, asked, _ in token_server.requests for scope in asked.get("scope", ())]
    assert "repository:token/app:pull,push" in scopes

    async def use(images: Images) -> Image:
        await images.remove(image.id)
        return await images.pull(name)  # nobody may pull

    assert engine.run(use).id == image.id


def test_an_identity_token_stands_for_the_password(
    engine: "Engine",
    make: "Pushing",
    token_registry: "DockerRegistry",
    token_server: "TokenServer",
) -> None:
    name = f"{token_registry.address}/token/app:1"
    made(engine, make, name)

    async def use(images: Images) -> None:
        token = await images.outgoing.login(token_registry.address, ME)
        assert token == "refresh-me"
        await images.outgoing.push(name, credentials=Credentials(identity_token=token))

    engine.run(use)
    methods = [(method, asked.get("grant_type")) for method, asked, _ in token_server.requests]
    assert methods[-1] == ("POST", ["refresh_token"])


def test_a_token_server_may_know_the_oauth_form_only(
    engine: "Engine",
    make: "Pushing",
    token_registry: "DockerRegistry",
    token_server: "TokenServer",
) -> None:
    token_server.knows_get = False
    name = f"{token_registry.address}/token/app:1"
    made(engine, make, name)
    push(engine, name, ME)
    assert token_server.requests[-1][0] == "POST"
    assert token_server.requests[-1][1]["grant_type"] == ["password"]


def test_a_lie_is_told_as_docker_does(
    engine: "Engine", make: "Pushing", token_registry: "DockerRegistry"
) -> None:
    name = f"{token_registry.address}/token/app:1"
    made(engine, make, name)
    with pytest.raises(LadingError, match="unauthorized: incorrect username or password"):
        push(engine, name, Credentials("me", "wrong"))


def test_distribution_tells_of_what_was_not_pulled(
    engine: "Engine", make: "Pushing", docker_registry: "DockerRegistry"
) -> None:
    digest = make.image(docker_registry, "dist/app", "1", [make.layer({"a": b"1"})])
    found = engine.run(
        lambda images: images.outgoing.distribution(f"{docker_registry.address}/dist/app:1")
    )
    assert found.descriptor.digest == digest
    assert [str(platform) for platform in found.platforms] == ["linux/amd64"]
