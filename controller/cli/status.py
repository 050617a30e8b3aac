"""`blastdoor status`: one release on one screen, for the person who was paged.

Where it stands, why it waits, what happens next and when, and what each metric says.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from controller.api.change import Change, MetricReport
from controller.api.rollout import DEFAULT_LADDER, Rollout, Step
from controller.cli import output
from controller.cli.connect import add_cluster_options, namespace_of, with_cluster
from controller.cli.exits import Exit
from controller.cli.explain import meaning_of
from controller.cli.reading import change_in_hand, rollout_named
from controller.kube.port import Cluster

HELP = "one release on one screen: why it waits, what happens next"
EXAMPLES = ("blastdoor status checkout -n shop",)

_COLOUR_OF = {
    "Stable": "good",
    "Progressing": "busy",
    "Promoting": "busy",
    "RollingBack": "bad",
    "Rejected": "bad",
    "Invalid": "bad",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the Rollout")
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    return with_cluster(options, lambda cluster: _status(cluster, options))


async def _status(cluster: Cluster, options: argparse.Namespace) -> int:
    rollout = await rollout_named(cluster, namespace_of(options), options.name)
    change = await change_in_hand(cluster, rollout)
    print(screen(rollout, change, datetime.now(UTC), colourful=sys.stdout.isatty()))
    return Exit.OK


def screen(
    rollout: Rollout, change: Change | None, now: datetime, *, colourful: bool = False
) -> str:
    """The whole screen."""
    status = rollout.status
    shown = status.phase or "Pending"
    phase = output.painted(shown, _COLOUR_OF.get(shown, "strong"), colourful=colourful)
    head = f"Rollout {rollout.key}: {phase}" + (f" ({status.reason})" if status.reason else "")
    lines = [head, *(f"  {name:<9} {text}" for name, text in _facts(rollout, change, now))]
    if change is not None and change.status.metrics:
        lines += ["", metric_table(change)]
    return "\n".join(lines)


def _facts(rollout: Rollout, change: Change | None, now: datetime) -> Iterator[tuple[str, str]]:
    status = rollout.status
    if not status.phase:
        yield "waits", "the operator has not looked at it yet; is it running?"
    elif status.observed_generation < rollout.metadata.generation:
        yield "note", "the spec was edited since the operator last looked"
    yield "why", _why(rollout)
    if status.next_at is not None:
        yield "next", f"at the latest {output.moment(status.next_at, now)}"
    if status.phase:
        stable = status.stable.hash or "not known yet"
        yield "stable", stable + (f", edits are held {status.hold}" if status.hold else "")
    if change is not None:
        yield from _change_facts(rollout, change, now)
    for condition in status.conditions:
        wrong = (condition.type, condition.status) in (("Stalled", "True"), ("Adopted", "False"))
        if wrong and condition.message and condition.message != status.message:
            yield condition.type.lower(), condition.message


def _why(rollout: Rollout) -> str:
    """The operator's own sentence; the meaning of the reason when it left none."""
    return rollout.status.message or meaning_of(rollout.status.reason) or "-"


def _change_facts(rollout: Rollout, change: Change, now: datetime) -> Iterator[tuple[str, str]]:
    run = change.status
    images = ", ".join(change.spec.target.images) or change.spec.target.hash
    attempt = f", attempt {change.spec.attempt}" if change.spec.attempt > 1 else ""
    yield "change", f"{change.name}: {images} (origin {change.spec.origin}{attempt})"
    if change.spec.what:
        yield "what", change.spec.what
    if run.outcome:
        ended = f" {output.moment(run.finished_at, now)}" if run.finished_at else ""
        yield "outcome", f"{run.outcome}{ended}: {run.message}"
        return
    steps = change.spec.plan.steps or rollout.spec.steps
    yield "ladder", ladder(steps, run.step, run.weight)
    if run.held_by:
        yield "held by", run.held_by
    if rollout.status.at_risk:
        unit = rollout.spec.risk.metric
        yield "at risk", f"{rollout.status.at_risk} {unit} lost, of those allowed"
    if rollout.status.evidence:
        yield "evidence", rollout.status.evidence
    if run.no_data_since is not None:
        yield "no data", f"since {output.moment(run.no_data_since, now)}; the weight holds"


def ladder(steps: tuple[Step, ...], index: int, weight: float) -> str:
    """`1 > 5 > [25] > 50 > promote   observed 24.9%`."""
    rungs = [f"{step.weight:g}" for step in steps] or [f"{weight:g}" for weight in DEFAULT_LADDER]
    rungs.append("promote")
    marked = [f"[{rung}]" if i == index else rung for i, rung in enumerate(rungs)]
    return f"{' > '.join(marked)}   observed {output.number(weight)}%"


def metric_table(change: Change) -> str:
    """One line a metric: counts of both arms, ratio, interval, evidence of harm and of no harm."""
    limit = change.status.log_threshold
    head = ("METRIC", "CANARY", "STABLE", "RATIO", "INTERVAL", "HARM", "PROMOTE", "NOTE")
    text = output.table(head, [_metric_row(report) for report in change.status.metrics])
    if not limit:
        return text
    harm = f"{_factor(change.status.log_harm)} of {_factor(limit)}"
    return f"{text}\nAll metrics together: evidence of harm {harm}; there the release goes back."


def _metric_row(report: MetricReport) -> tuple[str, ...]:
    bounds = ("-" if end is None else output.number(end) for end in (report.low, report.high))
    known = report.low is not None or report.high is not None
    return (
        report.name,
        _counts(report.canary_events, report.canary_exposures),
        _counts(report.stable_events, report.stable_exposures),
        "-" if report.ratio is None else output.number(report.ratio),
        f"[{', '.join(bounds)}]" if known else "-",
        _factor(report.log_harm),
        _factor(report.log_promote),
        report.note,
    )


def _counts(events: float, exposures: float) -> str:
    return f"{output.number(events)}/{output.number(exposures)}"


def _factor(log_evidence: float) -> str:
    """An e-value from its logarithm, as the factor by which the data favour the claim."""
    if math.isnan(log_evidence):
        return "-"
    if log_evidence > math.log(1e6):
        return ">1,000,000x"
    return f"{output.number(float(f'{math.exp(log_evidence):.3g}'))}x"
