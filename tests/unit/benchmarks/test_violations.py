"""Each broken assumption is shown without and with what the design does about it."""

from dataclasses import replace

import numpy as np

from analysis.simulate import simulate
from benchmarks.violations import HEAVY, VIOLATIONS


def test_the_four_named_violations_are_there() -> None:
    names = " ".join(VIOLATIONS)
    for word in ("lag", "retries", "arm effect", "heavy tail"):
        assert word in names


def test_a_heavy_tail_breaks_the_plain_rule_and_units_or_a_cap_mend_it() -> None:
    rules = dict(VIOLATIONS[HEAVY.name][1])
    assert set(rules) == {"as events", "tempered", "capped at 10", "units counted"}
    del rules["tempered"]  # its hour of history takes longer than all of this
    hour = replace(HEAVY, horizon_s=3600.0)
    found = simulate(hour, rules, 40, np.random.default_rng(1))
    share = {name: one.summary()["p_rollback"] for name, one in found.items()}
    assert share["as events"] > 0.5
    assert share["units counted"] <= 0.05
    assert share["capped at 10"] <= 0.05
