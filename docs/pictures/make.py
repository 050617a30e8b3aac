"""The pictures of docs/statistics.md: `python docs/pictures/make.py`. Seeded; no clock.

Peeking (what repeated single-look tests do to a good release), power (how soon a loss is found by
share), and one rollout's evidence over time. Writes PNG files beside this script.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.counts import HarmSpec, log_evidence, update_harm
from analysis.margins import Margin
from analysis.plan import seconds_to_detect
from analysis.promotion import PromotionSpec, log_evidence_to_promote, update_promotion
from analysis.rates import rate_test
from analysis.scenario import Scenario
from analysis.ticks import Tick
from analysis.traffic import stream

HERE = Path(__file__).parent
CALM = Scenario("calm", "Decrease", 50 / 0.03, 0.03, 0.05, 4 * 3600.0, 0.9)
RUNS = 400
INK = ("#1b6ca8", "#c0392b", "#4b8b3b", "#8e6c1f")


def main() -> None:
    """All pictures."""
    for name, draw in (("peeking", peeking), ("power", power), ("evidence", evidence)):
        figure = Figure(figsize=(8, 4.2))
        draw(figure.subplots())
        figure.savefig(
            HERE / f"{name}.png", dpi=130, bbox_inches="tight", metadata={"Software": None}
        )


def peeking(axes: Axes) -> None:
    """False rollbacks of good releases, by the hours that somebody looked."""
    events, exact = np.zeros((2, RUNS)), np.zeros(RUNS, dtype=bool)
    spec = HarmSpec("Decrease", 0.99, expected_rate=CALM.event_rate)
    state, always = spec.start((RUNS,)), np.zeros(RUNS, dtype=bool)
    hours, by_test, by_e = [], [], []
    for number, seen in enumerate(stream(CALM, RUNS, np.random.default_rng(1))):
        counts = seen.counts
        events += np.stack([counts.canary_events, counts.baseline_events])
        if number % 6 == 5:
            p = rate_test(events[0], 0.05, events[1], 0.95, alternative="less")
            exact |= p <= 0.01
        state = update_harm(spec, state, Tick(seen.interval, counts, CALM.share))
        always |= log_evidence(state) >= math.log(100.0)
        hours.append(seen.interval.end_s / 3600.0)
        by_test.append(exact.mean())
        by_e.append(always.mean())
    axes.plot(hours, by_test, color=INK[1], label="exact test at 1%, each minute")
    axes.plot(hours, by_e, color=INK[0], label="e-process at 1%, each 10 s")
    axes.axhline(0.01, color="grey", lw=0.8, ls=":")
    axes.set(
        xlabel="hours of looking at a good release",
        ylabel="taken back wrongly",
        title="Peeking: a 1% test is a 1% test once",
    )
    axes.legend()


def power(axes: Axes) -> None:
    """Expected time to find a loss at 50 orders a second, by share."""
    loss = np.linspace(0.02, 0.99, 200)
    for share, ink in zip((0.01, 0.05, 0.25, 0.5), INK, strict=True):
        seconds = seconds_to_detect(1.0 - loss, share=share, rate=50.0)
        axes.plot(100.0 * loss, seconds, color=ink, label=f"{share:.0%} canary")
    axes.set(
        xlabel="orders lost on the canary, %",
        ylabel="seconds until rollback",
        yscale="log",
        title="How soon a loss is found at 50 orders/s",
    )
    axes.legend()


def evidence(axes: Axes) -> None:
    """ln E of harm and of safety over one release that breaks after half an hour."""
    story = Scenario(
        "story", "Decrease", 50 / 0.03, 0.03, 0.05, 2400.0, 0.8, ratio=0.8, onset_s=1800.0
    )
    harm_spec = HarmSpec("Decrease", 0.99, expected_rate=50.0)
    safe_spec = PromotionSpec("Decrease", (Margin(0.8),), expected_rate=50.0)
    harm, safe = harm_spec.start(), safe_spec.start()
    minutes, of_harm, of_safety = [], [], []
    for seen in stream(story, 1, np.random.default_rng(4)):
        one = seen.counts
        counts = type(one)(
            one.canary_events[0],
            one.canary_exposures[0],
            one.baseline_events[0],
            one.baseline_exposures[0],
        )
        tick = Tick(seen.interval, counts, story.share)
        harm, safe = (
            update_harm(harm_spec, harm, tick),
            update_promotion(safe_spec, safe, tick),
        )
        minutes.append(seen.interval.end_s / 60.0)
        of_harm.append(float(log_evidence(harm)))
        of_safety.append(float(log_evidence_to_promote(safe)))
    axes.plot(minutes, of_harm, color=INK[1], label="harm: rollback at ln 100")
    axes.plot(minutes, of_safety, color=INK[2], label="no harm beyond 20%: up at ln 20")
    axes.axhline(math.log(100.0), color=INK[1], lw=0.8, ls=":")
    axes.axhline(math.log(20.0), color=INK[2], lw=0.8, ls=":")
    axes.axvline(30.0, color="grey", lw=0.8, ls="--")
    axes.set(
        xlabel="minutes (orders fall by 20% at 30)",
        ylabel="evidence, nats",
        ylim=(-8.0, 12.0),
        title="Two questions, two answers",
    )
    axes.legend(loc="upper left")


if __name__ == "__main__":
    main()
