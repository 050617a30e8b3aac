"""From a weight to pods and back: never more than the weight, but for the one pod there must be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.api import share


@given(st.floats(0.01, 100), st.integers(1, 500))
def test_canary_replicas_carry_their_weight(weight: float, live: int) -> None:
    replicas = share.replicas_for(weight, live)
    assert 1 <= replicas <= live
    assert replicas >= live * weight / 100 - 1e-6


@given(st.floats(0.01, 100), st.integers(1, 500))
def test_a_share_by_pods_is_at_most_the_weight_when_more_than_one_pod(w: float, n: int) -> None:
    pods = share.pods_for(w, n)
    assert 1 <= pods <= n
    assert pods == 1 or share.observed_share(pods, n) <= w + 1e-6
