import math

import pytest

from analysis.explain import times


@pytest.mark.parametrize(
    ("value", "words"), [(None, "unknown"), (math.inf, "any"), (0.0234, "0.02"), (36.55, "36.5")]
)
def test_a_ratio_is_said_with_the_digits_that_matter(value: float | None, words: str) -> None:
    assert times(value) == words
