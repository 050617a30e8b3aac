"""Waits after failures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.kube.backoff import Backoff


def test_waits_double_up_to_the_cap() -> None:
    backoff = Backoff(0.5, 3)
    assert [backoff.delay_s(n, lambda: 0.0) for n in range(1, 6)] == [0.5, 1, 2, 3, 3]


@given(failures=st.integers(1, 10**9), share=st.floats(0, 1, exclude_max=True))
def test_jitter_takes_at_most_half_and_the_wait_stays_finite(failures: int, share: float) -> None:
    full = Backoff(0.5, 30).delay_s(failures, lambda: 0.0)
    assert full / 2 <= Backoff(0.5, 30).delay_s(failures, lambda: share) <= full <= 30
