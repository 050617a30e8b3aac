"""`plan` says what a release costs before it begins, or what it cannot plan with."""

import json

import pytest

from controller.cli.main import main


def test_plan_says_time_and_orders_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--rate", "2", "--steps", "1", "--margins", "30"]) == 0
    said = capsys.readouterr().out
    assert "a 20% drop takes 4.4 h and costs about 63 orders" in said
    assert "A healthy release at 2 orders/s" in said


def test_a_plan_over_its_budget_is_a_no(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["plan", "--rate", "50", "--steps", "50", "--margins", "3", "-o", "json"]
    assert main(arguments) == 1
    assert json.loads(capsys.readouterr().out)["steps"][0]["within_budget"] is False


def test_a_plan_prices_each_loss_and_each_margin_at_each_step(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["plan", "--rate", "2", "--steps", "1,25", "--margins", "30,6", "--tolerated", "1"]
    main([*arguments, "--harm", "100,20,0.5", "-o", "json"])
    told = json.loads(capsys.readouterr().out)
    rows = {(row["loss"], row["share"]): row for row in told["detection"]}
    assert len(rows) == 6
    assert rows[0.2, 0.01]["seconds"] == pytest.approx(4.9 * 3600, rel=0.02)
    assert rows[0.005, 0.25]["seconds"] is None
    assert rows[1.0, 0.25]["lost_acting"] == pytest.approx(2 * 0.25 * 45)
    margins = {(row["loss"], row["share"]): row["canary_orders"] for row in told["exclusion"]}
    assert margins[0.3, 0.25] == pytest.approx(98, abs=0.6)
    main([*arguments, "--harm", "20,0.5"])
    shown = capsys.readouterr().out
    assert "Time to find a loss beyond the tolerated 1%" in shown
    assert "never" in shown


def test_a_plan_without_steps_is_made_from_the_budget(capsys: pytest.CaptureFixture[str]) -> None:
    main(["plan", "--rate", "50", "--budget", "2000"])
    assert "50.0%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "--rate", "0"], "--rate must be > 0 and finite; came 0"),
        (["plan", "--rate", "nan"], "--rate must be > 0 and finite; came nan"),
        (["plan", "--rate", "5", "--budget", "inf"], "--budget must be > 0 and finite"),
        (["plan", "--rate", "5", "--bake", "-1"], "--bake must be >= 0 and finite"),
        (["plan", "--rate", "5", "--tolerated", "100"], "--tolerated must be >= 0 and below 100"),
        (["plan", "--rate", "5", "--harm", "0"], "losses must lie in (0, 1]"),
        (["plan", "--rate", "5", "--harm", "x"], "--harm must be numbers"),
        (["plan", "--rate", "5", "--steps", "a"], "--steps must be numbers"),
        (["plan", "--rate", "5", "--steps", "5,1"], "shares must rise"),
    ],
)
def test_what_no_plan_can_use_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) != 0
    assert words in capsys.readouterr().err
