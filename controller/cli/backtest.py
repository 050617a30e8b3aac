"""`blastdoor backtest`: recorded samples through the operator's own code. No cluster.

Counters come from a file or from the range queries of a Prometheus server; what would have been
decided is printed at each turn, with its reason. Latency histograms are not replayed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import yaml

from controller.api.rollout import Rollout
from controller.api.template import AnalysisTemplate, Metric
from controller.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from analysis.backtest import AAResult, Moment, Recording
    from analysis.release import ReleaseSpec

HELP: Final = "replay recorded metrics: what would have been decided, when and why"
EXAMPLES: Final = (
    "blastdoor backtest --template shop.yaml --from recording.json",
    "blastdoor backtest --template shop.yaml --from http://prometheus:9090 --canary 'checkout-7d.*'"
    " --stable 'checkout-5f.*' --start 2026-11-20T10:00:00Z --end 2026-11-20T12:00:00Z",
    "blastdoor backtest --template shop.yaml --from recording.json --aa 20",
)
ARMS: Final = ("canary", "baseline")
PARTS: Final = ("events", "exposures")


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
    parser.add_argument("--aa", type=int, metavar="N", help="split the stable pods N times instead")
    parser.add_argument("--seed", type=int, default=1, help="of the splits")
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="form of the answer"
    )


def run(options: argparse.Namespace) -> int:
    """Replay, print, and answer no if the release would have been taken back."""
    from analysis.backtest import aa_test, replay, turning_points
    from analysis.verdict import Verdict
    from controller.metrics.counting import events_are_part

    template = _template(options.template)
    spec = _spec(template, options.steps)
    zero = {m.name for m in template.spec.metrics if events_are_part(m.events, m.exposures)}
    try:
        recording = _recording(options, template)
        if options.aa:
            import numpy as np

            rng = np.random.default_rng(options.seed)
            found = aa_test(spec, recording, rng, splits=options.aa, zero_if_absent=zero)
            print(_aa(found, spec, options.output))
            return Exit.OK
        moments = turning_points(replay(spec, recording, zero_if_absent=zero))
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
                return _counted(msgspec.json.decode(as_json, type=AnalysisTemplate))
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise CommandError(f"{path}: {' '.join(str(error).split())}") from error
    raise CommandError(f"{path}: has no AnalysisTemplate")


def _counted(template: AnalysisTemplate) -> AnalysisTemplate:
    """The template without its histograms."""
    metrics = tuple(metric for metric in template.spec.metrics if not metric.histogram)
    if not metrics:
        raise CommandError(f"template {template.name} has only histograms; none is replayed")
    return msgspec.structs.replace(
        template, spec=msgspec.structs.replace(template.spec, metrics=metrics)
    )


def _spec(template: AnalysisTemplate, steps: str) -> ReleaseSpec:
    """The release that the operator would judge, on this ladder."""
    from controller.metrics.judging import Problems, judge
    from controller.runtime.plugins import installed

    try:
        weights = [{"weight": float(part)} for part in steps.split(",")]
    except ValueError as error:
        raise CommandError(f"--steps must be as 1,5,25; came {steps}", Exit.USAGE) from error
    document = {
        "metadata": {"name": "backtest", "namespace": template.namespace or "default"},
        "spec": {
            "workload": {"name": "backtest"},
            "traffic": {"service": "backtest"},
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
    return made.release


def _recording(options: argparse.Namespace, template: AnalysisTemplate) -> Recording:
    from analysis.backtest import Recording

    if urlsplit(options.source).scheme in ("http", "https"):
        return Recording.parse(_fetched(options, template))
    path = Path(options.source)
    if not path.is_file():
        raise CommandError(f"{path}: no such file", Exit.NOT_FOUND)
    return Recording.parse(json.loads(path.read_text()))


def _fetched(options: argparse.Namespace, template: AnalysisTemplate) -> dict[str, Any]:
    """The same document as a file holds, from range queries for raw samples."""
    for name in ("start", "end", "canary", "stable"):
        if getattr(options, name) is None:
            raise CommandError(f"--from a Prometheus needs --{name}", Exit.USAGE)
    start_s, end_s = _seconds(options.start), _seconds(options.end)
    patterns = {"canary": options.canary, "baseline": options.stable}
    metrics: dict[str, Any] = {}
    for metric in template.spec.metrics:
        metrics[metric.name] = {
            arm: {
                part: dict(
                    _samples(options, _query(metric, part, patterns[arm], options.pod_label))
                )
                for part in PARTS
            }
            for arm in ARMS
        }
    return {"start_s": start_s, "end_s": end_s, "metrics": metrics}


def _query(metric: Metric, part: str, pattern: str, pod_label: str) -> str:
    """The template's query for the pods of one arm; without a placeholder, by the pod label.

    >>> _query(Metric(name="orders", events="orders_total"), "events", "shop-.*", "pod")
    'orders_total{pod=~"shop-.*"}'
    """
    text = str(getattr(metric, part))
    if re.search(r"\{\{\s*arm\.pods\s*\}\}", text):
        return re.sub(r"\{\{\s*arm\.pods\s*\}\}", lambda _: pattern, text)
    if "{{" in text:
        raise CommandError(f"query {text!r}: only {{{{arm.pods}}}} can be filled without a cluster")
    matcher = f'{pod_label}=~"{pattern}"'
    if "{" in text:
        return re.sub(r"\{(.*)\}", lambda found: "{" + f"{found[1]},{matcher}" + "}", text, count=1)
    return f"{text}{{{matcher}}}"


def _samples(options: argparse.Namespace, query: str) -> Iterator[tuple[str, Any]]:
    from prometheus_api_client.exceptions import PrometheusApiClientException
    from prometheus_api_client.prometheus_connect import PrometheusConnect
    from requests.exceptions import RequestException

    start_s, end_s = _seconds(options.start), _seconds(options.end)
    text = f"{query}[{round(end_s - start_s)}s]"
    try:
        client = PrometheusConnect(url=options.source.rstrip("/"))
        found = client.custom_query(text, params={"time": f"{end_s:.3f}"})
    except (PrometheusApiClientException, RequestException) as error:
        raise CommandError(f"{options.source}: {text}: {error}", Exit.UNREACHABLE) from error
    for series in found:
        labels: Mapping[str, str] = series["metric"]
        rest = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
        values = [(float(at), float(value)) for at, value in series["values"]]
        yield f"{labels.get(options.pod_label, '')}/{rest}", values


def _seconds(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"a time must be as 2026-11-20T10:00:00Z; came {text}", Exit.USAGE
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _lines(moments: list[Moment], output: str) -> Iterator[str]:
    if output == "json":
        yield json.dumps([_facts(moment) for moment in moments], indent=1)
        return
    for moment in moments:
        found = moment.assessment
        yield f"{_clock(moment.end_s)}  {found.verdict.value:<11} {found.explain}"


def _facts(moment: Moment) -> dict[str, Any]:
    found = moment.assessment
    return {
        "time": _clock(moment.end_s),
        "step": moment.step,
        "verdict": found.verdict.value,
        "reason": found.reason.value,
        "explain": found.explain,
        "logE": found.log_e,
        "ordersLost": found.orders_lost,
    }


def _clock(time_s: float) -> str:
    """A recording may count from zero; then the seconds are what there is to say."""
    if time_s < 1e8:
        return f"{time_s:8.0f} s"
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _aa(found: AAResult, spec: ReleaseSpec, output: str) -> str:
    if output == "json":
        return json.dumps(found._asdict(), indent=1)
    return (
        f"{found.alarms} of {found.splits} A/A splits of the stable pods would have been taken "
        f"back; the budget is {spec.false_rollback:.1%}. Largest ln E "
        f"{max(found.highest_log_e):.2f}, a rollback needs {spec.log_rollback:.2f}."
    )
