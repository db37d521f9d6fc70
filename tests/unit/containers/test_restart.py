"""A container is started again when its policy and its history say so."""

import pytest

from lading.containers import restart
from lading.containers.restart import (
    FIRST_WAIT_S,
    GOOD_RUN_S,
    LONGEST_WAIT_S,
    History,
    Policy,
    after_exit,
    at_engine_start,
    check,
)
from lading.errors import InvalidArgument

ALWAYS = Policy("always")


def decide(
    policy: Policy,
    history: History | None = None,
    *,
    exit_code: int = 1,
    ran_s: float = 0.0,
    was_stopped: bool = False,
) -> tuple[float, History] | None:
    return after_exit(
        policy, history or History(), exit_code=exit_code, ran_s=ran_s, was_stopped=was_stopped
    )


@pytest.mark.parametrize("name", ["", "no", "always", "unless-stopped", "on-failure"])
def test_every_known_policy_is_accepted(name: str) -> None:
    check(Policy(name), is_auto_removed=False)


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (Policy("sometimes"), restart.UnknownPolicy),
        (Policy("on-failure", -1), restart.NegativeCount),
        (Policy("always", 3), restart.CountWithoutFailure),
    ],
)
def test_a_policy_without_meaning_is_refused(policy: Policy, error: type[InvalidArgument]) -> None:
    with pytest.raises(error):
        check(policy, is_auto_removed=False)


def test_a_container_that_removes_itself_cannot_restart() -> None:
    check(Policy("no"), is_auto_removed=True)
    with pytest.raises(restart.AutoRemoveWithRestart):
        check(Policy("on-failure"), is_auto_removed=True)


def test_an_unknown_policy_is_named_in_the_message() -> None:
    with pytest.raises(restart.UnknownPolicy, match="unknown policy 'sometimes'; use one of 'no'"):
        check(Policy("sometimes"), is_auto_removed=False)


@pytest.mark.parametrize("name", ["", "no"])
def test_without_a_policy_it_rests(name: str) -> None:
    assert decide(Policy(name)) is None


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
@pytest.mark.parametrize("exit_code", [0, 1])
def test_some_policies_restart_whatever_the_exit(name: str, exit_code: int) -> None:
    assert decide(Policy(name), exit_code=exit_code) is not None


def test_on_failure_lets_a_success_rest() -> None:
    assert decide(Policy("on-failure"), exit_code=0) is None
    assert decide(Policy("on-failure"), exit_code=1) is not None


def test_on_failure_restarts_up_to_its_maximum() -> None:
    assert decide(Policy("on-failure", 2), History(restarts=1)) is not None
    assert decide(Policy("on-failure", 2), History(restarts=2)) is None


def test_on_failure_without_a_maximum_never_gives_up() -> None:
    assert decide(Policy("on-failure"), History(restarts=10_000)) is not None


@pytest.mark.parametrize("name", ["always", "unless-stopped", "on-failure"])
def test_a_container_stopped_by_hand_rests(name: str) -> None:
    assert decide(Policy(name), was_stopped=True) is None


def test_waits_double_up_to_a_minute() -> None:
    waits, history = [], History()
    for _ in range(12):
        decision = decide(ALWAYS, history)
        assert decision is not None
        wait_s, history = decision
        waits.append(wait_s)
    assert waits[:4] == [FIRST_WAIT_S * factor for factor in (1, 2, 4, 8)]
    assert waits[-1] == LONGEST_WAIT_S
    assert history.restarts == 12


def test_a_good_run_forgives_the_ones_before_it() -> None:
    history = History(restarts=7, wait_s=LONGEST_WAIT_S)
    assert decide(ALWAYS, history, ran_s=GOOD_RUN_S) == (
        FIRST_WAIT_S,
        History(8, FIRST_WAIT_S * 2),
    )


@pytest.mark.parametrize(
    ("name", "was_running", "was_stopped", "starts"),
    [
        ("no", True, False, False),
        ("always", False, True, True),
        ("unless-stopped", True, False, True),
        ("unless-stopped", False, False, True),
        ("unless-stopped", False, True, False),
        ("on-failure", True, False, True),
        ("on-failure", False, False, False),
    ],
)
def test_the_engine_starts_what_its_policy_wants(
    name: str, was_running: bool, was_stopped: bool, starts: bool
) -> None:
    policy = Policy(name)
    assert at_engine_start(policy, was_running=was_running, was_stopped=was_stopped) is starts
