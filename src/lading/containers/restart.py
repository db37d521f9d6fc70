"""When a container is started again after its exit: a pure decision over policy and history.

Docker's rules (moby: daemon/internal/restartmanager): the first wait is 100 ms, it doubles up to a
minute, and starts over after a run of ten seconds.
"""

from typing import NamedTuple

from lading.containers.record import ContainerRecord
from lading.errors import InvalidArgument

FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 60.0
COUNTED = ("on-failure", "unhealthy")  # the second is ours: a failed health check fails too
GOOD_RUN_S = 10.0  # a run of this length forgives the ones before it


class UnknownPolicy(InvalidArgument):
    """invalid restart policy: unknown policy '{0}'; use one of 'no', 'always', 'on-failure', \
or 'unless-stopped'"""


class NegativeCount(InvalidArgument):
    """invalid restart policy: maximum retry count cannot be negative"""


class CountWithoutFailure(InvalidArgument):
    """invalid restart policy: maximum retry count can only be used with 'on-failure'"""


class AutoRemoveWithRestart(InvalidArgument):
    """can't create 'AutoRemove' container with restart policy"""


class Policy(NamedTuple):
    """--restart NAME[:MAXIMUM]"""

    name: str = "no"
    maximum: int = 0  # restarts of on-failure and unhealthy; 0 means no limit


class History(NamedTuple):
    """What the decision remembers between the runs of one container."""

    restarts: int = 0
    wait_s: float = FIRST_WAIT_S


def check(policy: Policy, *, is_auto_removed: bool) -> None:
    """Refuse what cannot be meant. Raises InvalidArgument."""
    if policy.name not in ("", "no", "always", "unless-stopped", *COUNTED):
        raise UnknownPolicy(policy.name)
    if policy.maximum < 0:
        raise NegativeCount
    if policy.maximum and policy.name not in COUNTED:
        raise CountWithoutFailure
    if is_auto_removed and policy.name not in ("", "no"):
        raise AutoRemoveWithRestart


def after_exit(
    policy: Policy,
    history: History,
    *,
    exit_code: int,
    ran_s: float,
    was_stopped: bool,
    was_unhealthy: bool = False,
) -> tuple[float, History] | None:
    """How long to wait before the next start and the new history; None to let it rest.

    `was_unhealthy`: it was ended because its health check failed, which no length of run forgives.
    """
    if was_stopped or not _wants(policy, history, exit_code or int(was_unhealthy)):
        return None
    wait_s = FIRST_WAIT_S if ran_s >= GOOD_RUN_S and not was_unhealthy else history.wait_s
    doubled = min(wait_s * 2, LONGEST_WAIT_S)
    return wait_s, History(history.restarts + 1, doubled)


def _wants(policy: Policy, history: History, exit_code: int) -> bool:
    if policy.name in COUNTED:
        within = not policy.maximum or history.restarts < policy.maximum
        return exit_code != 0 and within
    return policy.name in ("always", "unless-stopped")


def at_engine_start(policy: Policy, *, was_running: bool, was_stopped: bool) -> bool:
    """Whether to start it when the engine starts: `always` even if stopped by hand."""
    if policy.name == "always":
        return True
    if policy.name == "unless-stopped":
        return not was_stopped
    return policy.name in COUNTED and was_running


def policy_of(record: ContainerRecord) -> Policy:
    """The restart policy that was asked for."""
    asked = record.host_config.restart_policy
    return Policy(asked.name or "no", asked.maximum_retry_count)
