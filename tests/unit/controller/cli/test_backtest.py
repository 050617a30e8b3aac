"""`backtest` replays a recording, or says what it could not read."""

import json
from pathlib import Path

import pytest

from controller.cli.main import main
from tests.unit.controller.cli.recordings import TEMPLATE, recording


def test_backtest_says_when_a_recorded_loss_would_have_been_taken_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "bad.json", 0.4)
    assert main(["backtest", "--template", TEMPLATE, "--from", file]) == 1
    assert "ROLLBACK    Rolling back at 1% of the traffic" in capsys.readouterr().out


def test_backtest_lets_a_good_recording_step_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file, "-o", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert "STEP_UP" in [moment["verdict"] for moment in told]
    assert told[0]["reason"] == "NoData"


def test_backtest_judges_recorded_histograms_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "slow.json", 1.0, slow=3.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file]) == 1
    assert "latency" in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "must be a mapping"),
        ("{", "Expecting property name"),
        ('{"start_s": 0, "end_s": 1}', "has no metrics"),
        ('{"end_s": 1}', "must have start_s in seconds"),
    ],
)
def test_a_recording_that_is_none_is_refused(
    content: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(content)
    assert main(["backtest", "--template", TEMPLATE, "--from", str(file)]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["backtest", "--template", "nowhere.yaml", "--from", "x"], "nowhere.yaml: no such file"),
        (["backtest", "--template", TEMPLATE, "--from", "nowhere.json"], "no such file"),
        (["backtest", "--template", TEMPLATE, "--from", "http://x"], "needs --start"),
        (["backtest", "--template", TEMPLATE, "--from", "x", "--steps", "b"], "--steps must be"),
    ],
)
def test_what_cannot_be_read_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) != 0
    assert words in capsys.readouterr().err
