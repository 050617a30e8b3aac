"""`blastdoor backtest --aa`: how often a good release would have been taken back, and why.

The stable pods are split at random into two arms that are alike, and judged as the operator would
judge a release. Called by the back-test command.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from controller.cli.backtest_times import clock

if TYPE_CHECKING:
    from analysis.aa import AAResult
    from analysis.backtest import Edges
    from analysis.pods import PodEffect
    from analysis.recording import Recording
    from analysis.release import ReleaseSpec


def split_answer(
    options: argparse.Namespace,
    spec: ReleaseSpec,
    recording: Recording,
    zero: set[str],
    edges: Edges,
) -> str:
    """What the A/A test found, in the form asked for."""
    import numpy as np

    from analysis.aa import aa_test

    found = aa_test(
        spec,
        recording,
        np.random.default_rng(options.seed),
        splits=options.aa,
        canaries=options.canaries,
        zero_if_absent=zero,
        edges=edges,
    )
    if options.output == "json":
        return json.dumps(_facts(found, spec, options), indent=1)
    return _text(found, spec, options)


def _text(found: AAResult, spec: ReleaseSpec, options: argparse.Namespace) -> str:
    lines = [
        f"{found.alarms} of {found.splits} A/A splits of the stable pods would have been taken "
        f"back; the budget is {spec.false_rollback:.1%}. Largest ln E "
        f"{max(found.highest_log_e):.2f}, a rollback needs {spec.log_rollback:.2f}."
    ]
    lines += [
        f"{clock(split.alarm_s)}  {', '.join(split.canaries)}: {split.why}"
        for split in found.played
        if split.alarm_s is not None
    ]
    lines += [
        f"{name}: pods differ by sd {effect.sd:.1%} beyond chance ({effect.low:.1%} to "
        f"{effect.high:.1%}); two of it in a release of this size is a ratio of {edge:.3f}."
        for name, effect, edge in _dead_bands(found, spec, options.canaries)
    ]
    return "\n".join(lines)


def _facts(found: AAResult, spec: ReleaseSpec, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "splits": found.splits,
        "alarms": found.alarms,
        "highest_log_e": found.highest_log_e,
        "played": [split._asdict() for split in found.played],
        "pods": {
            name: {**asdict(effect), "dead_band": edge}
            for name, effect, edge in _dead_bands(found, spec, options.canaries)
        },
    }


def _dead_bands(
    found: AAResult, spec: ReleaseSpec, canaries: int
) -> Iterator[tuple[str, PodEffect, float]]:
    """For each metric with counted pods, how unequal they are and the room that this asks for."""
    for metric in spec.metrics:
        effect = found.pods.get(metric.name)
        if effect is not None:
            others = effect.pods - canaries
            direction = metric.main_direction
            yield (
                metric.name,
                effect,
                effect.dead_band(direction, canaries=canaries, baselines=max(1, others)),
            )
