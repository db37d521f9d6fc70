"""Which requests go through a proxy, by the rules of curl and Go."""

from urllib.parse import urlsplit

import pytest

from lading.registry.client.proxy import BadProxy, Proxies, choose, from_environment, parse

PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        ("https://registry.example/v2/", "", False),
        ("https://registry.example/v2/", "*", True),
        ("https://registry.example/v2/", "registry.example", True),
        ("https://a.registry.example/v2/", "registry.example", True),
        ("https://registry.example/v2/", ".registry.example", False),
        ("https://a.registry.example/v2/", ".registry.example", True),
        ("https://notregistry.example/v2/", "registry.example", False),
        ("https://registry.example:5000/v2/", "registry.example:5000", True),
        ("https://registry.example:5001/v2/", "registry.example:5000", False),
        ("https://registry.example/v2/", "registry.example:443", True),
        ("https://10.1.2.3/v2/", "10.0.0.0/8, other", True),
        ("https://11.1.2.3/v2/", "10.0.0.0/8", False),
        ("https://[fd00::1]:5000/v2/", "fd00::/8", True),
        ("https://127.0.0.1:5000/v2/", "", True),
        ("https://localhost:5000/v2/", "", True),
    ],
)
def test_a_target_is_direct_or_goes_through_the_proxy(
    url: str, no_proxy: str, is_direct: bool
) -> None:
    chosen = choose(urlsplit(url), Proxies(PROXY, PROXY, no_proxy))
    assert (chosen is None) is is_direct


def test_each_scheme_has_its_own_proxy() -> None:
    proxies = Proxies(http="", https=PROXY)
    assert choose(urlsplit("http://registry.example/"), proxies) is None
    assert choose(urlsplit("https://registry.example/"), proxies) is not None


def test_a_proxy_may_want_a_password() -> None:
    assert parse("http://me:p%40ss@host").authorization == "Basic bWU6cEBzcw=="
    assert parse("host:3128")[:2] == ("host", 3128)


@pytest.mark.parametrize("address", ["https://host", "socks5://host:1080", "http://", "h:x"])
def test_other_kinds_of_proxy_are_refused(address: str) -> None:
    with pytest.raises(BadProxy):
        parse(address)


def test_both_spellings_of_the_variables_count() -> None:
    environ = {"http_proxy": "a", "HTTPS_PROXY": "b", "no_proxy": "c"}
    assert from_environment(environ) == Proxies("a", "b", "c")
