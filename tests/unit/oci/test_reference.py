"""References are read and written as Docker's reference package does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci import reference
from lading.oci.reference import InvalidReference, Reference

SHA = "sha256:" + "0123456789abcdef" * 4

NORMALIZED = [
    ("busybox", "docker.io/library/busybox", "busybox"),
    ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
    ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
    ("index.docker.io/busybox", "docker.io/library/busybox", "busybox"),
    ("library/busybox", "docker.io/library/busybox", "busybox"),
    ("team/app", "docker.io/team/app", "team/app"),
    ("library/team/app", "docker.io/library/team/app", "library/team/app"),
    ("localhost/app", "localhost/app", "localhost/app"),
    ("localhost:5000/app:v1", "localhost:5000/app:v1", "localhost:5000/app:v1"),
    ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000"),
    ("example.org/a__b/c--d:x@" + SHA, "example.org/a__b/c--d:x@" + SHA, None),
    ("[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app", None),
    ("UPPER/app", "UPPER/app", None),
    ("127.0.0.1:5000/a/b@" + SHA, "127.0.0.1:5000/a/b@" + SHA, None),
]


@pytest.mark.parametrize(("text", "whole", "familiar"), NORMALIZED)
def test_a_reference_is_normalized(text: str, whole: str, familiar: str | None) -> None:
    parsed = reference.parse(text)
    assert str(parsed) == whole
    assert parsed.familiar == (familiar or text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        (":justtag", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("-busybox", "invalid reference format"),
        ("busybox:-x", "invalid reference format"),
        ("busybox:" + "t" * 129, "invalid reference format"),
        ("busybox\n", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("../x", "invalid reference format"),
        ("busybox@sha256:abc", "invalid reference format"),
        (
            "Busybox",
            "invalid reference format: repository name (library/Busybox) must be lowercase",
        ),
        ("a/" + "b" * 255, "must not be more than 255 characters"),
        ("a" * 64, "cannot specify 64-byte hexadecimal strings"),
        ("busybox@sha256:" + "a" * 63, "invalid checksum digest length"),
        ("busybox@md5:" + "a" * 32, "unsupported digest algorithm"),
    ],
)
def test_what_is_no_reference_is_refused_in_dockers_words(text: str, message: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        reference.parse(text)
    assert message in str(caught.value)


def test_the_default_tag_is_given_only_where_nothing_is_said() -> None:
    assert reference.parse("busybox").with_default_tag().familiar == "busybox:latest"
    assert reference.parse("busybox:1").with_default_tag().tag == "1"
    assert reference.parse(f"busybox@{SHA}").with_default_tag().tag is None


def test_a_path_that_looks_like_a_registry_keeps_its_domain() -> None:
    assert reference.parse("docker.io/localhost/app").familiar == "docker.io/localhost/app"


components = st.from_regex(r"[a-z0-9]{1,5}(([._]|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
domains = st.sampled_from(["docker.io", "localhost", "a.b", "h:1", "[::1]:5", "UP"])
references = st.builds(
    Reference,
    domains,
    st.lists(components, min_size=1, max_size=3).map("/".join),
    st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}", fullmatch=True),
    st.none() | st.just(SHA),
)


@given(references)
def test_both_written_forms_are_read_back_as_the_same_reference(made: Reference) -> None:
    normal = reference.parse(str(made))
    assert reference.parse(str(normal)) == normal
    assert reference.parse(normal.familiar) == normal


@given(st.text(alphabet="aA0./:@-_[]sha256", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parsed = reference.parse(text)
    except InvalidReference:
        return
    assert reference.parse(str(parsed)) == parsed
