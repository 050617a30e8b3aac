import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.ticks import Counts, Interval, Tick
from tests.unit.analysis.cases import tick


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("place", range(4))
def test_a_count_that_is_no_count_is_refused_with_its_name(bad: float, place: int) -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    values[place] = bad
    with pytest.raises(ValueError, match="must be finite and >= 0; came"):
        Counts(*values)


def test_one_bad_value_in_an_array_is_refused() -> None:
    with pytest.raises(ValueError, match="baseline events"):
        Counts([1, 1], [1, 1], [1, math.nan], [1, 1])


def test_a_share_metric_has_at_most_one_event_per_exposure() -> None:
    with pytest.raises(ValueError, match="came baseline 6/5"):
        Counts(1, 5, 6, 5, bounded=True)
    assert Counts(5, 5, 5, 5, bounded=True).canary_fraction == 0.5


def test_arrays_are_shown_by_their_shape() -> None:
    assert repr(Counts([1, 2], [1, 2], 0, 5)) == "Counts(canary array(2,)/array(2,), baseline 0/5)"


@pytest.mark.parametrize("ends", [(0.0, math.inf), (math.nan, 1.0)])
def test_an_interval_has_finite_ends(ends: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="finite"):
        Interval(*ends)


def test_an_interval_is_folded_or_new_or_an_error() -> None:
    assert Interval(0, 10).already_folded(10)
    assert not Interval(10, 20).already_folded(10)
    with pytest.raises(ValueError, match="overlaps"):
        Interval(5, 15).already_folded(10)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("share", 0.0, "inside"),
        ("share", 1.0, "inside"),
        ("share", math.nan, "inside"),
        ("step", -1, "index >= 0"),
        ("widen", 0.5, ">= 1"),
        ("temper", 0.5, ">= 1"),
    ],
)
def test_a_tick_says_what_it_refuses(field: str, value: float, words: str) -> None:
    settings = {"share": 0.5, field: value}
    with pytest.raises(ValueError, match=words):
        Tick(Interval(0, 1), Counts(0, 0, 0, 0), **settings)  # type: ignore[arg-type]


def test_a_tick_without_exposures_says_nothing() -> None:
    assert not tick(0).informative
    assert tick(0, (0, 1)).informative
    assert not tick(0, (0, 1), missing=True).informative


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_the_canary_fraction_is_a_fraction(canary: float, baseline: float) -> None:
    fraction = Counts(0, canary, 0, baseline).canary_fraction
    assert 0.0 <= fraction <= 1.0
    assert np.isfinite(fraction)


def test_counts_of_shapes_that_do_not_meet_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"must broadcast to one shape; came \(3,\), \(\), \(2,\), \(\)"
    ):
        Counts([1, 2], 9, [1, 2, 3], 9)
    assert Counts([[1], [2]], 9, [1, 2, 3], 9).canary_events.shape == (2, 1)
