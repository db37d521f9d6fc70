"""What probes say of a container, and how long to wait for the next one."""

import pytest
from msgspec import UNSET

from lading.containers import health
from lading.containers.health import HEALTHY, SECOND_NS, STARTING, UNHEALTHY, Check
from lading.containers.record import Health, ProbeResult
from lading.oci.config import Healthcheck as ImageHealthcheck
from lading.wire.containers import ContainerConfig, Healthcheck

CHECK = Check(["true"], retries=3, start_period_ns=10 * SECOND_NS)


def config(*test: str, **more: object) -> ContainerConfig:
    return ContainerConfig(healthcheck=Healthcheck(test=list(test), **more))  # type: ignore[arg-type]


def result(code: int, number: int = 1) -> ProbeResult:
    return ProbeResult(number, number + 1, code, "")


def after(codes: list[int], *, up_ns: int = 60 * SECOND_NS, start: Health | None = None) -> Health:
    found = start or Health()
    for code in codes:
        found = health.after_probe(CHECK, found, result(code), up_ns)
    return found


def test_words_are_run_as_they_are_and_a_line_by_a_shell() -> None:
    assert health.check_of(config("CMD", "curl", "x")) == Check(["curl", "x"])
    assert health.check_of(config("CMD-SHELL", "exit 1")) == Check(["/bin/sh", "-c", "exit 1"])


def test_the_shell_is_the_containers() -> None:
    asked = ContainerConfig(
        healthcheck=Healthcheck(test=["CMD-SHELL", "x"]), shell=["/bin/bash", "-ec"]
    )
    assert health.check_of(asked) == Check(["/bin/bash", "-ec", "x"])


@pytest.mark.parametrize(
    "asked", [ContainerConfig(), config(), config("NONE"), config("STRANGE", "x")]
)
def test_without_a_check_there_is_none(asked: ContainerConfig) -> None:
    assert health.check_of(asked) is None


def test_what_is_not_said_is_the_images_and_then_dockers() -> None:
    image = ImageHealthcheck(test=["CMD", "x"], interval=5, retries=7)
    asked = Healthcheck(interval=6)
    merged = health.inherited(asked, image)
    assert merged == Healthcheck(test=["CMD", "x"], interval=6, retries=7)
    found = health.check_of(ContainerConfig(healthcheck=merged))
    assert found == Check(["x"], interval_ns=6, timeout_ns=30 * SECOND_NS, retries=7)
    assert health.inherited(UNSET, None) is UNSET
    assert health.inherited(asked, None) is asked


def test_a_success_makes_healthy_and_forgives() -> None:
    assert after([1, 1, 0]) == Health(HEALTHY, 0, after([1, 1, 0]).log)


def test_so_many_failures_in_a_row_make_unhealthy() -> None:
    assert (after([0, 1, 1]).status, after([0, 1, 1]).failing_streak) == (HEALTHY, 2)
    assert (after([0, 1, 1, 1]).status, after([0, 1, 1, 1]).failing_streak) == (UNHEALTHY, 3)
    assert after([1, 1]).status == STARTING


def test_failures_do_not_count_while_it_starts() -> None:
    found = after([1] * 4, up_ns=SECOND_NS)
    assert (found.status, found.failing_streak, len(found.log)) == (STARTING, 0, 4)
    found = after([0, 1, 1, 1], up_ns=SECOND_NS)  # it had started: one success was seen
    assert found.status == UNHEALTHY


def test_five_results_are_kept() -> None:
    found = Health()
    for number in range(8):
        found = health.after_probe(CHECK, found, result(0, number), 0)
    assert [r.start_ns for r in found.log] == [3, 4, 5, 6, 7]


def test_the_pause_is_shorter_until_it_has_started() -> None:
    check = CHECK._replace(start_interval_ns=1, interval_ns=2)
    assert check.pause_ns(Health(), 5 * SECOND_NS) == 1
    assert check.pause_ns(Health(HEALTHY), 5 * SECOND_NS) == 2
    assert check.pause_ns(Health(), 15 * SECOND_NS) == 2


def test_a_new_run_starts_anew_and_remembers_the_results() -> None:
    earlier = after([1, 1, 1])
    assert health.at_start(CHECK, earlier) == Health(STARTING, 0, earlier.log)
    assert health.at_start(None, earlier) is None
    ended = health.at_end(after([0]))
    assert ended is not None
    assert ended.status == UNHEALTHY


def test_output_is_cut_and_says_so() -> None:
    assert health.output_text(b"a\xff", is_cut=False) == "a�"
    assert health.output_text(b"x" * 5000, is_cut=True) == "x" * 4096 + "..."
