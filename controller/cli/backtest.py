"""`blastdoor backtest`: recorded samples through the operator's own code. No cluster.

Counters and histograms come from a file or from the range queries of a Prometheus server; what
would have been decided is printed at each turn, with its reason. With `--aa` the stable pods are
split instead (`backtest_aa`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import yaml

from controller.api.rollout import Rollout
from controller.api.template import AnalysisTemplate
from controller.cli.backtest_aa import split_answer
from controller.cli.backtest_fetch import fetched
from controller.cli.backtest_times import clock
from controller.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from analysis.backtest import Moment
    from analysis.recording import Recording
    from controller.metrics.plans import Plan

HELP: Final = "replay recorded metrics: what would have been decided, when and why"
EXAMPLES: Final = (
    "blastdoor backtest --template shop.yaml --from recording.json",
    "blastdoor backtest --template shop.yaml --from http://prometheus:9090 --canary 'checkout-7d.*'"
    " --stable 'checkout-5f.*' --start 2026-11-20T10:00:00Z --end 2026-11-20T12:00:00Z",
    "blastdoor backtest --template shop.yaml --from recording.json --aa 20",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the samples are, and how the arms are told apart in them."""
    parser.add_argument("--template", type=Path, required=True, help="an AnalysisTemplate")
    where = "URL of a server or a JSON file"
    parser.add_argument("--from", dest="source", required=True, metavar="SOURCE", help=where)
    parser.add_argument("--steps", default="1,5,10,25,50", help="weights in percent, in order")
    parser.add_argument("--start", help="first instant, as 2026-11-20T10:00:00Z (Prometheus)")
    parser.add_argument("--end", help="last instant (Prometheus)")
    parser.add_argument("--canary", help="pattern of the canary's pod names (Prometheus)")
    parser.add_argument("--stable", help="pattern of the stable pods' names (Prometheus)")
    parser.add_argument("--pod-label", default="pod", help="label that holds the pod's name")
    parser.add_argument(
        "--began",
        metavar="TIMES",
        help="when each step began, commas between; default: all at the first (Prometheus)",
    )
    parser.add_argument("--aa", type=int, metavar="N", help="split the stable pods N times instead")
    parser.add_argument("--seed", type=int, default=1, help="of the splits")
    parser.add_argument("--canaries", type=int, default=1, help="pods that play the canary in --aa")
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="form of the answer"
    )


def run(options: argparse.Namespace) -> int:
    """Replay, print, and answer no if the release would have been taken back."""
    from analysis.backtest import replay, turning_points
    from analysis.verdict import Verdict
    from controller.metrics.counting import edges_s
    from controller.metrics.zeros import events_are_part

    template = _template(options.template)
    plan = _plan(template, options.steps)
    zero = {m.name for m in template.spec.metrics if events_are_part(m.events, m.exposures)}
    edges = {name: edges_s(slo_s) for name, slo_s in plan.slo_s.items()}
    try:
        recording = _recording(options, template)
        if options.aa is not None:
            print(split_answer(options, plan.release, recording, zero, edges))
            return Exit.OK  # nothing was asked to be judged
        looks = replay(plan.release, recording, zero_if_absent=zero, edges=edges)
        moments = turning_points(looks)
    except (ValueError, KeyError) as error:
        raise CommandError(f"{options.source}: {error}", Exit.NO) from error
    for line in _lines(moments, options.output):
        print(line)
    back = bool(moments) and moments[-1].assessment.verdict is Verdict.ROLLBACK
    return Exit.NO if back else Exit.OK


def _template(path: Path) -> AnalysisTemplate:
    if not path.is_file():
        raise CommandError(f"{path}: no such file", Exit.NOT_FOUND)
    try:
        for document in yaml.safe_load_all(path.read_text()):
            if isinstance(document, dict) and document.get("kind") == "AnalysisTemplate":
                # keys such as 5 are strings for an API server, as they are in JSON
                as_json = json.dumps(document, default=str)
                return msgspec.json.decode(as_json, type=AnalysisTemplate)
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise CommandError(f"{path}: {' '.join(str(error).split())}") from error
    raise CommandError(f"{path}: has no AnalysisTemplate")


def _plan(template: AnalysisTemplate, steps: str) -> Plan:
    """How the operator would judge the release, on this ladder."""
    from controller.metrics.judging import judge
    from controller.metrics.plans import Problems
    from controller.runtime.plugins import installed

    try:
        weights = [{"weight": float(part)} for part in steps.split(",")]
    except ValueError as error:
        raise CommandError(f"--steps must be as 1,5,25; came {steps}", Exit.USAGE) from error
    document = {
        "metadata": {"name": "backtest", "namespace": template.namespace or "default"},
        "spec": {
            "workload": {"name": "backtest"},
            "traffic": {"service": "backtest", "routes": [{"name": "backtest"}]},
            "steps": weights,
            "analysis": [{"template": template.name}],
        },
    }
    try:
        rollout = msgspec.convert(document, Rollout, strict=False)
    except msgspec.ValidationError as error:
        raise CommandError(f"--steps {steps}: {error}", Exit.USAGE) from error
    made = judge(rollout, [template], installed().providers)
    if isinstance(made, Problems):
        raise CommandError(str(made), Exit.NO)
    return made


def _recording(options: argparse.Namespace, template: AnalysisTemplate) -> Recording:
    from analysis.recording import Recording

    if urlsplit(options.source).scheme in ("http", "https"):
        return Recording.parse(fetched(options, template))
    path = Path(options.source)
    if not path.is_file():
        raise CommandError(f"{path}: no such file", Exit.NOT_FOUND)
    document = json.loads(path.read_text())
    if not isinstance(document, dict):
        raise ValueError(f"must be a mapping with start_s, end_s and metrics; came {document!r}")
    return Recording.parse(document)


def _lines(moments: list[Moment], output: str) -> Iterator[str]:
    if output == "json":
        yield json.dumps([_facts(moment) for moment in moments], indent=1)
        return
    for moment in moments:
        found = moment.assessment
        yield f"{clock(moment.end_s)}  {found.verdict.value:<11} {found.explain}"


def _facts(moment: Moment) -> dict[str, Any]:
    found = moment.assessment
    return {
        "time": clock(moment.end_s),
        "step": moment.step,
        "verdict": found.verdict.value,
        "reason": found.reason.value,
        "explain": found.explain,
        "logE": found.log_e,
        "ordersLost": found.orders_lost,
    }
