"""What a duration, a percentage and a tolerated harm mean as numbers."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.quantities import (
    Degradation,
    format_duration,
    parse_degradation,
    parse_duration,
    parse_percent,
)
from controller.api.template import Tolerance


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("500ms", 0.5), ("90s", 90), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172800)],
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "-5m", "1h-2m", "5x", "1e3s", "10m\n"])
def test_what_is_no_duration_is_refused_with_what_came_and_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="must be a duration such as") as caught:
        parse_duration(text)
    assert repr(text) in str(caught.value)


def test_a_duration_too_long_for_a_clock_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 10000d"):
        parse_duration("99999999999999999999d")


@given(st.integers(min_value=0, max_value=10_000 * 86_400_000))
def test_a_written_duration_reads_back_to_the_millisecond(ms: int) -> None:
    length = timedelta(milliseconds=ms)
    assert parse_duration(format_duration(length)) == length


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.05%", 0.0005), ("100%", 1.0)])
def test_a_percentage_is_a_share(text: str, share: float) -> None:
    assert parse_percent(text) == pytest.approx(share, rel=1e-15)


@pytest.mark.parametrize("text", ["", "5", "%", "-1%", "5 %", "nan%", "1e2%"])
def test_what_is_no_percentage_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a percentage"):
        parse_percent(text)


def test_a_tolerated_percentage_bounds_the_side_on_which_harm_lies() -> None:
    assert parse_degradation("1%", "Decrease") == Degradation(low=0.99)
    assert parse_degradation("10%", "Increase") == Degradation(high=1.1)
    assert parse_degradation("10%", "Both") == Degradation(low=0.9, high=1.1)


def test_nothing_given_tolerates_nothing() -> None:
    assert parse_degradation(None, "Increase") == Degradation(high=1.0)


def test_a_ratio_and_a_difference_may_be_given_together() -> None:
    both = Tolerance(ratio=1.1, difference="0.05%")
    assert parse_degradation(both, "Increase") == Degradation(high=1.1, difference=0.0005)


def test_a_ratio_for_both_directions_is_mirrored() -> None:
    allowed = Degradation(low=0.8, high=1.25)
    assert parse_degradation(Tolerance(ratio=1.25), "Both") == allowed
    assert parse_degradation(Tolerance(ratio=0.8), "Both") == allowed


@pytest.mark.parametrize(
    ("value", "harm", "words"),
    [
        (Tolerance(), "Increase", "neither ratio nor difference"),
        (Tolerance(ratio=1.1), "Decrease", "at most 1"),
        (Tolerance(ratio=0.9), "Increase", "at least 1"),
        ("100%", "Decrease", "under 100%"),
        ("1", "Increase", "must be a percentage"),
    ],
)
def test_a_tolerance_that_contradicts_its_harm_is_refused(
    value: str | Tolerance, harm: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        parse_degradation(value, harm)  # type: ignore[arg-type]  # any text, as from a file
