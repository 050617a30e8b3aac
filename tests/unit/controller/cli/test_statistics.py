"""plan, simulate and backtest answer with numbers, and say what they could not read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from controller.cli.backtest_fetch import filled
from controller.cli.exits import CommandError
from controller.cli.main import main

ROOT = Path(__file__).parents[4]
TEMPLATE = str(ROOT / "examples" / "shop" / "analysistemplate.yaml")
OUTAGE = {
    "name": "outage", "direction": "Decrease", "exposure_rate": 1667, "probability": 0.03,
    "share": 0.01, "horizon_s": 300, "margin": 0.7, "ratio": 0.01,
}  # fmt: skip


def recording(path: Path, ratio: float, *, slow: float = 1.0) -> str:
    """One canary pod with ``ratio`` of the orders and ``slow`` times the slow requests, nine
    stable ones; errors at the same rate."""
    rng, at = np.random.default_rng(1), range(0, 901, 10)

    def pod(name: str, share: float, true: float) -> dict[str, dict[str, Any]]:
        rates = {"exposures": 16_667 * share, "orders": 500 * share * true, "errors": 50 * share}
        return {
            what: {
                f"{name}/x": [
                    [t, float(v)]
                    for t, v in zip(at, np.cumsum(rng.poisson(rate, len(at))), strict=True)
                ]
            }
            for what, rate in rates.items()
        }

    arms = {
        "canary": [pod("c", 0.01, ratio)],
        "baseline": [pod(f"s{i}", 0.11, 1.0) for i in range(9)],
    }
    joined = {
        arm: {what: {k: v for pod in pods for k, v in pod[what].items()} for what in pods[0]}
        for arm, pods in arms.items()
    }
    metrics = {
        metric: {
            arm: {"events": of[metric], "exposures": of["exposures"]} for arm, of in joined.items()
        }
        for metric in ("orders", "errors")
    }
    metrics["latency"] = {
        "canary": {"buckets": buckets("c", 167, slow)},
        "baseline": {"buckets": buckets("s0", 16_500, 1.0)},
    }
    path.write_text(json.dumps({"start_s": 0, "end_s": 900, "metrics": metrics}))
    return str(path)


def buckets(pod: str, per_tick: int, slow: float) -> dict[str, list[list[float]]]:
    """A latency histogram without noise: 30% over 0.1 s, 10% over 0.3 s, 2% over 1 s."""
    return {
        f"{pod}/le={bound}": [
            [t, round(per_tick * t / 10 * (1 - slow * over))] for t in range(0, 901, 10)
        ]
        for bound, over in (("0.1", 0.3), ("0.3", 0.1), ("1", 0.02), ("+Inf", 0.0))
    }


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
        (["simulate", "nowhere.yaml"], "nowhere.yaml: no such file"),
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


def test_backtest_splits_the_stable_pods(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file, "--aa", "3"]) == 0
    assert "0 of 3 A/A splits" in capsys.readouterr().out


def test_backtest_judges_recorded_histograms_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "slow.json", 1.0, slow=3.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file]) == 1
    assert "latency" in capsys.readouterr().out.splitlines()[-1]


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


@pytest.mark.parametrize("splits", ["0", "-1"])
def test_a_number_of_splits_that_is_none_is_refused(
    splits: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = recording(tmp_path / "good.json", 1.0)
    assert main(["backtest", "--template", TEMPLATE, "--from", file, "--aa", splits]) == 1
    assert "splits must be a whole number >= 1" in capsys.readouterr().err


def test_a_range_that_ends_before_it_starts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-11-20T10:00:00Z"
    arguments = ["backtest", "--template", TEMPLATE, "--from", "http://x", "--canary", "c"]
    assert main([*arguments, "--stable", "s", "--start", at, "--end", at]) != 0
    assert "--end must be after --start" in capsys.readouterr().err
    assert main([*arguments, "--stable", "s", "--start", "noon", "--end", at]) != 0
    assert "a time must be as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("orders_total", 'orders_total{pod=~"shop-.*"}'),
        ("orders_total{}", 'orders_total{pod=~"shop-.*"}'),
        ('orders_total{code="200"}', 'orders_total{code="200",pod=~"shop-.*"}'),
        ('orders_total{path=~"/a{1,2}",}', 'orders_total{path=~"/a{1,2}",pod=~"shop-.*"}'),
        ('orders_total{pod=~"{{arm.pods}}"}', 'orders_total{pod=~"shop-.*"}'),
        ('orders_total{ns="{{namespace}}"}', 'orders_total{ns="shop",pod=~"shop-.*"}'),
    ],
)
def test_a_query_is_filled_for_the_pods_of_one_arm(query: str, answer: str) -> None:
    assert filled(query, "shop-.*", "pod", "shop") == answer


def test_a_pattern_is_escaped_and_what_needs_a_cluster_is_refused() -> None:
    assert filled("x", r"shop\.1", "pod") == r'x{pod=~"shop\\.1"}'
    with pytest.raises(CommandError, match=r"only \{\{arm.pods\}\} can be filled"):
        filled('x{hash="{{arm.hash}}"}', "a", "pod")
