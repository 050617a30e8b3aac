"""One screen answers why a release waits, what comes next, and what each metric says."""

from controller.cli.explain import decided, rules
from controller.cli.history import listing
from controller.cli.status import ladder, metric_table, screen
from controller.core.guards.order import ORDER
from tests.unit.controller.cli.objects import NOW, change, rollout

RUNNING = {
    "phase": "Progressing", "reason": "GatheringEvidence", "message": "gathers evidence at 5%",
    "change": "checkout-1", "stable": {"hash": "6f7c9"}, "hold": "OnChange", "atRisk": "3/100",
    "nextAt": "2026-11-24T12:04:12Z", "evidence": "orders 0.97x [0.9, 1.1]",
}  # fmt: skip
REPORT = {
    "name": "orders", "canaryEvents": 12, "canaryExposures": 1000, "stableEvents": 300,
    "stableExposures": 20000, "ratio": 0.8, "low": 0.3, "high": 1.4, "logHarm": 0.7,
    "logPromote": 20.0,
}  # fmt: skip
STEPPING = {
    "phase": "Stepping", "step": 1, "steps": 3, "weight": 4.9, "metrics": [REPORT],
    "logHarm": 0.7, "logThreshold": 4.6,
}  # fmt: skip


def test_the_screen_says_why_it_waits_and_what_happens_next() -> None:
    said = screen(rollout(**RUNNING), change(what="faster cart", **STEPPING), NOW)
    assert said.splitlines() == [
        "Rollout shop/checkout: Progressing (GatheringEvidence)",
        "  why       gathers evidence at 5%",
        "  next      at the latest 12:04:12Z (in 4m12s)",
        "  stable    6f7c9, edits are held OnChange",
        "  change    checkout-1: registry/shop:v2 (origin generated)",
        "  what      faster cart",
        "  ladder    1 > [5] > 25 > promote   observed 4.9%",
        "  at risk   3/100 orders lost, of those allowed",
        "  evidence  orders 0.97x [0.9, 1.1]",
        "",
        "METRIC   CANARY     STABLE       RATIO   INTERVAL     HARM    PROMOTE       NOTE",
        "orders   12/1,000   300/20,000   0.8     [0.3, 1.4]   2.01x   >1,000,000x",
        "All metrics together: evidence of harm 2.01x of 99.5x; there the release goes back.",
    ]


def test_a_rollout_that_nobody_looked_at_asks_for_the_operator() -> None:
    said = screen(rollout(), None, NOW)
    assert "the operator has not looked at it yet; is it running?" in said


def test_a_reason_without_a_sentence_is_explained() -> None:
    said = screen(rollout(phase="Progressing", reason="RoutePending"), None, NOW)
    assert "The weight is written; the router does not show it yet." in said


def test_an_ended_release_says_how_it_ended() -> None:
    ended = change(outcome="RolledBack", message="orders fell", finishedAt="2026-11-24T11:58:00Z")
    said = screen(rollout(phase="Rejected", change="checkout-1"), ended, NOW)
    assert "  outcome   RolledBack 11:58:00Z (2m ago): orders fell" in said.splitlines()


def test_no_colour_unless_asked_for() -> None:
    assert "\x1b" not in screen(rollout(phase="Stable"), None, NOW)
    assert "\x1b[32mStable\x1b[0m" in screen(rollout(phase="Stable"), None, NOW, colourful=True)


def test_a_metric_without_data_shows_dashes_and_its_note() -> None:
    silent = change(metrics=[{"name": "orders", "note": "no samples for 90 s"}])
    assert metric_table(silent).splitlines()[1].split()[3:5] == ["-", "-"]
    assert "no samples for 90 s" in metric_table(silent)


def test_a_rollout_without_steps_shows_the_default_ladder() -> None:
    assert ladder((), 0, 0.0) == "[1] > 5 > 10 > 25 > 50 > promote   observed 0%"


def test_explain_lists_every_rule_in_order() -> None:
    lines = rules().splitlines()[1:]
    assert [line.split()[1] for line in lines] == [guard.__name__ for guard in ORDER]


def test_explain_tells_the_decision_in_words() -> None:
    said = decided(rollout(**RUNNING), NOW)
    assert "means     Evidence is gathered at this weight." in said
    assert "because   gathers evidence at 5%" in said


def test_history_tells_how_each_release_went() -> None:
    ended = change(
        outcome="RolledBack", reason="HarmFound", peakWeight=5, ordersLost=22.4,
        startedAt="2026-11-24T11:50:00Z", finishedAt="2026-11-24T11:51:05Z",
    )  # fmt: skip
    head, row = listing([ended], NOW, wide=False).splitlines()
    assert head.split() == [
        "CHANGE", "AGE", "TOOK", "ORIGIN", "IMAGES", "PEAK", "LOST", "OUTCOME", "REASON",
    ]  # fmt: skip
    assert row.split() == [
        "checkout-1", "10m", "1m5s", "generated", "shop:v2", "5%", "22", "RolledBack", "HarmFound",
    ]  # fmt: skip
