import math
from typing import Any

import numpy as np
import pytest

from analysis.pods import PodEffect, pod_effect


def test_the_spread_beyond_chance_is_what_was_put_in() -> None:
    rng = np.random.default_rng(5)
    found, covered = [], 0
    for _ in range(400):
        rate = 2000.0 * np.maximum(1.0 + 0.05 * rng.standard_normal(20), 0.0)
        effect = pod_effect(rng.poisson(rate), np.full(20, 1e5))
        found.append(effect.sd**2)
        covered += effect.low <= 0.05 <= effect.high
    assert math.sqrt(np.mean(found)) == pytest.approx(0.05, rel=0.04)
    assert covered / 400 == pytest.approx(0.9, abs=0.04)


def test_equal_pods_show_no_effect_and_p_is_uniform() -> None:
    rng = np.random.default_rng(6)
    p = [pod_effect(rng.poisson(500.0, 12), np.full(12, 1e4)).p for _ in range(500)]
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.04)


def test_pods_of_unlike_traffic_are_compared_by_rate() -> None:
    exposures = np.array([1e3, 1e4, 1e5])
    assert pod_effect(0.01 * exposures, exposures).sd == 0.0


def test_the_dead_band_grows_with_the_effect_and_shrinks_with_the_pods() -> None:
    effect = PodEffect(0.05, 0.0, 0.1, 0.5, 10)
    down = effect.dead_band("Decrease", canaries=2, baselines=8)
    assert down == pytest.approx(math.exp(-2 * 0.05 * math.sqrt(1 / 2 + 1 / 8)))
    assert effect.dead_band("Increase", canaries=2, baselines=8) == pytest.approx(1 / down)
    assert PodEffect(0.0, 0.0, 0.0, 1.0, 5).dead_band("Decrease") == 1.0
    assert effect.dead_band("Decrease", canaries=4, baselines=8) > down


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pod_effect([1], [1]), "a number per pod"),
        (lambda: pod_effect([1, 2], [1, 2, 3]), "a number per pod"),
        (lambda: pod_effect([1, -2], [1, 2]), "must be finite and >= 0"),
        (lambda: pod_effect([1, math.nan], [1, 2]), "must be finite and >= 0"),
        (lambda: pod_effect([0, 0], [1, 2]), "some pod events"),
        (lambda: pod_effect([1, 1], [0, 2]), "every pod needs exposures"),
        (lambda: pod_effect([1, 1], [1, 2], confidence=1.0), "confidence must lie"),
        (lambda: PodEffect(0.1, 0, 1, 1, 2).dead_band("Decrease", canaries=0), "canaries must be"),
        (lambda: PodEffect(0.1, 0, 1, 1, 2).dead_band("Decrease", sds=-1.0), "sds must be"),
    ],
)
def test_bad_input_says_what_came_and_what_is_allowed(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
