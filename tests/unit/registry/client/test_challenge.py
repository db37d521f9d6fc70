"""Challenges of real registries are read."""

from lading.registry.client.challenge import Challenge, parse


def test_a_bearer_challenge_with_a_comma_in_its_scope() -> None:
    header = (
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
        'scope="repository:a/b:pull,push",error="insufficient_scope"'
    )
    assert parse(header) == [
        Challenge(
            "bearer",
            {
                "realm": "https://auth.docker.io/token",
                "service": "registry.docker.io",
                "scope": "repository:a/b:pull,push",
                "error": "insufficient_scope",
            },
        )
    ]


def test_several_challenges_in_one_header() -> None:
    assert parse('Negotiate, Basic realm="a \\"b\\"", BEARER realm=x') == [
        Challenge("negotiate", {}),
        Challenge("basic", {"realm": 'a "b"'}),
        Challenge("bearer", {"realm": "x"}),
    ]


def test_nothing_is_read_from_nothing() -> None:
    assert parse("") == []
    assert parse("=,=") == []
