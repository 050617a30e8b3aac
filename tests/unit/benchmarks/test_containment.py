"""The containment benchmark fails when it is too slow at the median or in the tail."""

from benchmarks.containment import over, summary


def test_the_numbers_are_percentiles_of_the_runs() -> None:
    seconds = [n / 100 for n in range(1, 51)]
    assert summary(seconds) == {"runs": 50, "p50_s": 0.25, "p99_s": 0.5, "max_s": 0.5}


def test_a_run_within_the_limits_passes() -> None:
    assert over({"runs": 50, "p50_s": 0.3, "p99_s": 1.0, "max_s": 1.0}) == []


def test_a_slow_median_and_a_slow_tail_each_fail() -> None:
    assert over(summary([0.4] * 50)) == ["p50_s is 0.4 s, 0.3 s is the limit"]
    assert over(summary([0.1] * 49 + [1.2])) == ["p99_s is 1.2 s, 1.0 s is the limit"]
