"""Waits grow, end, and obey the registry."""

from lading.registry.client.errors import retry_after_s
from lading.registry.client.retry import RetryPolicy


def test_waits_double_up_to_the_longest_and_then_end() -> None:
    policy = RetryPolicy(attempts=7, first_s=1, longest_s=5, jitter=lambda: 0.5)
    delays = [policy.delay_s(failures) for failures in range(1, 8)]
    assert delays == [1, 2, 4, 5, 5, 5, None]


def test_what_the_registry_asks_for_is_waited_within_reason() -> None:
    assert RetryPolicy().delay_s(1, 7.0) == 7.0
    assert RetryPolicy().delay_s(1, 1e9) == RetryPolicy().longest_asked_s


def test_retry_after_is_read_in_both_forms() -> None:
    date, later = "Mon, 23 Nov 2026 10:00:00 GMT", "Mon, 23 Nov 2026 10:00:30 GMT"
    assert retry_after_s("12") == 12.0
    assert retry_after_s(later, date) == 30.0
    assert retry_after_s("soon") is None
    assert retry_after_s(None) is None
