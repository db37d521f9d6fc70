"""`--change` of commit and import: one instruction of a Dockerfile, in both of its forms."""

import pytest

from lading.images import changes
from lading.images.changes import BadChange
from lading.oci.config import ExecutionConfig, Healthcheck


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ('CMD ["top", "-b"]', "cmd", ["top", "-b"]),
        ("CMD top -b", "cmd", ["/bin/sh", "-c", "top -b"]),
        ("cmd []", "cmd", []),
        ('ENTRYPOINT ["sh"]', "entrypoint", ["sh"]),
        ("ENV A=1 B='two words'", "env", ["A=1", "B=two words"]),
        ("ENV A all of this", "env", ["A=all of this"]),
        ("EXPOSE 80 53/UDP 8000-8001", "exposed_ports",
         {"80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {}}),
        ('LABEL a=1 "b"="x y"', "labels", {"a": "1", "b": "x y"}),
        ("ONBUILD RUN make", "on_build", ["RUN make"]),
        ("USER 1000:1000", "user", "1000:1000"),
        ('VOLUME ["/data"]', "volumes", {"/data": {}}),
        ("VOLUME /a /b", "volumes", {"/a": {}, "/b": {}}),
        ("WORKDIR /srv/../app", "working_dir", "/app"),
        ("WORKDIR sub", "working_dir", "/sub"),
        ("STOPSIGNAL SIGQUIT", "stop_signal", "SIGQUIT"),
        ('SHELL ["/bin/bash", "-c"]', "shell", ["/bin/bash", "-c"]),
        ("HEALTHCHECK NONE", "healthcheck", Healthcheck(test=["NONE"])),
        ("HEALTHCHECK --interval=5s --retries=2 CMD true", "healthcheck",
         Healthcheck(test=["CMD-SHELL", "true"], interval=5_000_000_000, retries=2)),
    ],
)  # fmt: skip
def test_an_instruction_sets_its_field(line: str, field: str, value: object) -> None:
    assert getattr(changes.apply(ExecutionConfig(), [line]), field) == value


def test_a_variable_that_is_there_is_replaced_in_its_place() -> None:
    config = ExecutionConfig(env=["A=1", "B=2"])
    assert changes.apply(config, ["ENV A=3"]).env == ["A=3", "B=2"]


def test_a_new_entrypoint_clears_the_command_that_was_not_set_with_it() -> None:
    config = ExecutionConfig(cmd=["old"])
    assert changes.apply(config, ['ENTRYPOINT ["e"]']).cmd is None
    assert changes.apply(config, ['CMD ["c"]', 'ENTRYPOINT ["e"]']).cmd == ["c"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("RUN rm -rf /", "RUN is not a valid change command"),
        ("FLY away", "FLY is not a valid change command"),
        ("CMD", "CMD requires at least one argument"),
        ("ENV A", "ENV must have two arguments"),
        ("ENV A=1 B", "can't find = in 'B'"),
        ("EXPOSE 80/quic", "Invalid proto: quic"),
        ("EXPOSE 70000", "Invalid containerPort: 70000"),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD"),
        ("SHELL bash", "JSON form"),
        ("HEALTHCHECK curl", "Unknown type"),
        ("HEALTHCHECK --often CMD x", "Missing a value"),
    ],
)
def test_what_makes_no_sense_is_refused(line: str, text: str) -> None:
    with pytest.raises(BadChange, match=text):
        changes.apply(ExecutionConfig(), [line])
