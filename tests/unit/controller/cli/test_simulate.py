"""`simulate` plays a scenario, or says why it is none."""

import json
from pathlib import Path

import pytest
import yaml

from controller.cli.main import main

OUTAGE = {
    "name": "outage", "direction": "Decrease", "exposure_rate": 1667, "probability": 0.03,
    "share": 0.01, "horizon_s": 300, "margin": 0.7, "ratio": 0.01,
}  # fmt: skip


def test_simulate_plays_a_scenario_with_its_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "outage.yaml"
    file.write_text(yaml.safe_dump(OUTAGE))
    answers = []
    for _ in range(2):
        assert main(["simulate", str(file), "--runs", "20", "--seed", "3", "-o", "json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    assert answers[0] == answers[1]
    assert answers[0]["p_rollback"] == 1.0
    picture = tmp_path / "outage.png"
    assert main(["simulate", str(file), "--runs", "20", "--plot", str(picture)]) == 0
    assert "taken back               1.000" in capsys.readouterr().out
    assert picture.stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "words"), [("[1]", "must be a mapping"), ("name: x\nrate: 3", "rate")]
)
def test_a_scenario_that_is_none_is_refused(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    assert main(["simulate", str(file)]) == 1
    assert words in capsys.readouterr().err


def test_a_scenario_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "nowhere.yaml"]) == 3
    assert "nowhere.yaml: no such file" in capsys.readouterr().err
