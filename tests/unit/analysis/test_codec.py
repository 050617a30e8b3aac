import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.codec import from_json, to_json
from analysis.margins import Margin
from tests.unit.analysis.releases import ERRORS, LATENCY, ORDERS, folded, spec, ticks


def test_the_text_is_strict_json_and_comes_back_to_the_bit() -> None:
    of = spec(ORDERS, ERRORS, replace(LATENCY, batched=True, dispersion_before=2.0))
    state = folded(of, ticks(1), ticks(1, step=1, from_s=60))
    text = json.dumps(to_json(state), allow_nan=False)
    assert json.dumps(to_json(from_json(of, json.loads(text))), allow_nan=False) == text


def test_one_comparison_is_small() -> None:
    of = spec(ORDERS, ERRORS)
    state = folded(of, ticks(1, seconds=600))
    stored = to_json(state)["metrics"]
    for name in ("orders", "errors"):
        core = [stored[name][part] for part in ("harm", "ratio")]
        assert len(json.dumps(core)) <= 1024
        assert len(json.dumps(stored[name]["promote"])) <= 2048


def test_an_edited_spec_keeps_what_it_can() -> None:
    state = folded(spec(ORDERS, ERRORS), ticks(1))
    fewer = from_json(spec(ORDERS), to_json(state))
    assert set(fewer.metrics) == {"orders"}
    more = from_json(spec(ORDERS, ERRORS, LATENCY), to_json(state))
    assert more.metrics["latency"].step_ticks.tolist() == [0.0] * 3
    assert more.metrics["orders"].step_ticks == 60.0


def test_evidence_against_one_margin_is_none_against_another() -> None:
    of = spec(ORDERS)
    state = folded(of, ticks(1, seconds=120))
    old = state.metrics["orders"].promotion[0]
    assert np.any(old.log_sums != 0.0)
    narrow = spec(replace(ORDERS, margins=(Margin(0.9), *ORDERS.margins[1:])))
    anew = from_json(narrow, to_json(state)).metrics["orders"]
    assert np.all(anew.promotion[0].log_sums == 0.0)
    assert anew.promotion[0].window_end_s == old.window_end_s
    assert anew.promotion[0].events == old.events
    assert np.array_equal(anew.harm[0].log_wealth, state.metrics["orders"].harm[0].log_wealth)


def test_a_state_that_does_not_name_its_margins_begins_its_promotion_anew() -> None:
    state = folded(spec(ORDERS), ticks(1, seconds=120))
    document = to_json(state)
    del document["metrics"]["orders"]["bets"]
    old = from_json(spec(ORDERS), document).metrics["orders"]
    assert np.all(old.promotion[0].log_sums == 0.0)
    assert np.array_equal(old.harm[0].log_wealth, state.metrics["orders"].harm[0].log_wealth)


def test_a_state_that_does_not_tell_the_exposures_of_its_step_keeps_its_evidence() -> None:
    state = folded(spec(ORDERS), ticks(1, seconds=120))
    document = to_json(state)
    del document["metrics"]["orders"]["seen"][3]
    old = from_json(spec(ORDERS), document).metrics["orders"]
    assert old.step_exposures == state.metrics["orders"].totals.canary_exposures
    assert old.step_expected == state.metrics["orders"].step_expected


def test_the_margin_of_a_later_step_does_not_touch_the_step_in_hand() -> None:
    state = folded(spec(ORDERS), ticks(1, seconds=120))
    later = spec(replace(ORDERS, margins=(Margin(0.7), Margin(0.97), Margin(0.9), None)))
    kept = from_json(later, to_json(state)).metrics["orders"].promotion[0]
    old = state.metrics["orders"].promotion[0]
    assert np.array_equal(kept.log_sums, old.log_sums)


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_another_version_is_refused(version: object) -> None:
    document = {**to_json(spec(ORDERS).start()), "v": version}
    with pytest.raises(ValueError, match="version 1"):
        from_json(spec(ORDERS), document)


def test_a_state_that_does_not_fit_the_spec_is_refused() -> None:
    document = to_json(spec(ORDERS).start())
    with pytest.raises(ValueError, match="sides"):
        from_json(spec(replace(ORDERS, direction="Both")), document)
    with pytest.raises(ValueError, match="shape"):
        from_json(spec(replace(ORDERS, edges=2)), document)
    document["metrics"]["orders"]["ratio"].append(1.0)
    with pytest.raises(ValueError, match="fields"):
        from_json(spec(ORDERS), document)


def test_infinities_are_text() -> None:
    stored = to_json(spec(ORDERS).start())["metrics"]["orders"]["harm"][0]
    assert {"f": "-inf"} in stored
    assert np.isinf(float("-inf"))


@pytest.mark.parametrize(
    ("field", "value"), [("high", "nan"), ("step", "7"), ("step", 99.0), ("end", "nan")]
)
def test_numbers_that_no_release_has_are_refused(field: str, value: object) -> None:
    of = spec(ORDERS, ERRORS)
    document = {**to_json(of.start()), field: value}
    with pytest.raises((ValueError, TypeError)):
        from_json(of, document)
