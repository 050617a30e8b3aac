"""`backtest --aa` splits the stable pods of a recording."""

import json
from pathlib import Path

import pytest

from controller.cli.main import main
from tests.unit.controller.cli.recordings import TEMPLATE, recording


def test_backtest_splits_the_stable_pods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file, "--aa", "3"]) == 0
    assert "0 of 3 A/A splits" in capsys.readouterr().out


def test_backtest_says_how_unequal_the_stable_pods_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    arguments = ["backtest", "--template", TEMPLATE, "--from", file, "--aa", "2"]
    assert main(arguments) == 0
    assert "orders: pods differ by sd" in capsys.readouterr().out
    assert main([*arguments, "-o", "json", "--canaries", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["splits"], told["alarms"]) == (2, 0)
    assert len(told["played"][0]["canaries"]) == 3
    assert 0.9 < told["pods"]["orders"]["dead_band"] <= 1.0
    assert told["pods"]["errors"]["dead_band"] >= 1.0


@pytest.mark.parametrize("splits", ["0", "-1"])
def test_a_number_of_splits_that_is_none_is_refused(
    splits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file, "--aa", splits]) == 1
    assert "splits must be a whole number >= 1" in capsys.readouterr().err
