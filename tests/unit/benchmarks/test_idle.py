"""The idle benchmark fails when the operator asks for more, or holds more, than it may."""

from typing import Any

import pytest

from benchmarks.idle import over

WITHIN: dict[str, Any] = {
    "seconds": 300.0, "requests": 0, "other": {}, "watches": 3, "lease": 60, "probes": 5,
    "tokens": 0, "rss_mb": 90.0,
}  # fmt: skip


def test_an_idle_operator_within_its_limits_passes() -> None:
    assert over(WITHIN) == []
    assert over(WITHIN | {"probes": 6, "tokens": 1, "rss_mb": 120.0}) == []


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({"requests": 2, "other": {"blastdoor: list pods": 2}}, "blastdoor: list pods"),
        ({"probes": 7}, "7 probes in 300 s"),
        ({"tokens": 2}, "2 tokens in 300 s"),
        ({"rss_mb": 120.1}, "120.1 MB resident"),
    ],
)
def test_each_excess_is_named(numbers: dict[str, Any], said: str) -> None:
    (line,) = over(WITHIN | numbers)
    assert said in line
