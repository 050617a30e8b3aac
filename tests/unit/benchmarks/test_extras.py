"""What is measured beside the scenarios: silence, broken assumptions, latency, costs."""

from typing import Any

import pytest

from benchmarks import costs, silence
from benchmarks.latency import slower
from benchmarks.scenarios import ROWS
from benchmarks.violations import dispersion_before, violate

BY_NAME = {row.name: row.scenario for row in ROWS}


@pytest.mark.parametrize("name", silence.SILENCES)
def test_silence_is_exactly_one_in_both_directions(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "DAY_S", 3600.0)
    found = silence.listen(name, (1,))
    assert (found["harm"], found["promote"], found["looks"]) == (0.0, 0.0, 60)


def test_retries_break_the_plain_rule_and_tempering_mends_it() -> None:
    found: dict[str, Any] = violate("3 retries that fail again with 0.8", 40, (1,))
    assert found["as events"] > 0.2
    assert found["tempered"] <= 0.05
    assert dispersion_before(BY_NAME["S1"]) == pytest.approx(1.0, abs=0.25)


def test_a_slower_canary_is_seen_sooner_in_exceedances_than_in_bands() -> None:
    found = slower("median +10%", 10, (1,))
    assert found["EXC mean_delay_s"] < found["BAND mean_delay_s"]
    assert found["EXC mean_delay_s"] < found["EXC 1.1 mean_delay_s"]
    assert found["EXC mean_delay_se"] > 0.0


def test_a_state_keeps_its_size() -> None:
    found = costs.stored_bytes()
    assert found["state of one comparison, bytes"] <= 1024
    assert found["its promotion rule, bytes"] <= 2048


def test_an_update_and_an_import_take_time() -> None:
    assert 0.0 < costs.update_s(()) < 1.0
    assert costs.import_s() > 0.0
    assert not costs._loads("scipy.stats")
