"""The kinds on a real API server: what it fills in, what it refuses, and in which words."""

import json

import pytest
import yaml

from controller.local.controlplane import ControlPlane
from tests.contract.installed import installed, tried

__all__ = ["installed"]

pytestmark = pytest.mark.e2e

ROLLOUT = """
apiVersion: blastdoor.dev/v1alpha1
kind: Rollout
metadata: {name: checkout, namespace: shop}
spec:
  workload: {name: checkout}
  traffic: {service: checkout}
"""
TEMPLATE = """
apiVersion: blastdoor.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: shop, namespace: shop}
spec:
  provider: {scrape: {port: 80}}
  metrics:
  - name: orders
"""
COUNTS = "    events: orders_total\n    exposures: requests_total\n"


async def test_the_server_fills_in_the_defaults(installed: ControlPlane) -> None:
    made = yaml.safe_load((await tried(installed, ROLLOUT)).stdout)
    assert made["spec"]["promotion"] == {"mode": "ShiftThenAbsorb", "holdback": 2, "watch": "10m"}
    assert made["spec"]["limits"]["supersede"] == "Replace"
    assert "steps" not in made["spec"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("  stepz: []", 'unknown field "spec.stepz"'),
        ("  steps: [{weight: 5, holdd: 1m}]", 'unknown field "spec.steps[0].holdd"'),
        ("  steps: [{weight: five}]", "spec.steps[0].weight in body must be of type number"),
        ("  steps: [{weight: 500}]", "should be less than or equal to 100"),
        ("  steps: [{weight: 5}, {weight: 5}]", "spec.steps: Invalid value: weights must rise"),
        ("  steps: [{weight: 9}, {weight: 1}]", "weights must rise from step to step, as 1, 5"),
        ("  steps: [{weight: 99}]", "at most 100 less promotion.holdback"),
        ("  steps: [{weight: 100}]", "under 100: without stable there is no comparison"),
        ("  limits: {hold: 24x}", 'spec.limits.hold: Invalid value: "24x"'),
        ("  promotion: {mode: Fast}", 'supported values: "InPlace", "ShiftThenAbsorb"'),
        ("  analysis: [{template: a}, {template: a}]", "spec.analysis[1]: Duplicate value"),
    ],
)
async def test_a_bad_rollout_is_refused_in_words(
    installed: ControlPlane, more: str, said: str
) -> None:
    ran = await tried(installed, ROLLOUT + more)
    assert ran.returncode == 1
    assert said in ran.stderr


async def test_a_rollout_with_too_long_a_name_is_refused(installed: ControlPlane) -> None:
    long = ROLLOUT.replace("{name: checkout, ", "{name: " + "c" * 64 + ", ")
    assert "at most 63 characters" in (await tried(installed, long)).stderr


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (TEMPLATE, "either a histogram, or events and exposures"),
        (TEMPLATE + "    events: x\n", "events need exposures"),
        (TEMPLATE + COUNTS + "    histogram: h\n    slo: 1s\n", "either a histogram, or events"),
        (TEMPLATE + "    histogram: h\n", "a histogram needs it, as 300ms"),
        (
            TEMPLATE + "    harm: Both\n    histogram: h\n    slo: 1s\n",
            "harm is Increase with a histogram",
        ),
        (TEMPLATE + COUNTS + "  - name: orders\n" + COUNTS, "spec.metrics[1]: Duplicate value"),
        (
            TEMPLATE.replace("80}", "eighty}") + COUNTS,
            "scrape.port in body must be of type integer",
        ),
        (TEMPLATE.replace("80}", "80, foo: 1}") + COUNTS, "spec.provider.scrape.foo"),
        (TEMPLATE.replace("80}", "80}, influx: {}") + COUNTS, "must have at most 1 item"),
    ],
)
async def test_a_bad_template_is_refused_in_words(
    installed: ControlPlane, manifest: str, said: str
) -> None:
    ran = await tried(installed, manifest)
    assert ran.returncode == 1
    assert said in ran.stderr


@pytest.mark.parametrize(
    "more",
    [
        "    tolerated: 1%\n    margin: {1: 30%, 5: {ratio: 0.8}}\n",
        "    tolerated: {ratio: 0.9, difference: 0.05%}\n",
    ],
)
async def test_a_tolerance_is_text_or_a_mapping(installed: ControlPlane, more: str) -> None:
    made = await tried(installed, TEMPLATE + COUNTS + more)
    wanted = yaml.safe_load(more)["tolerated"]
    assert yaml.safe_load(made.stdout)["spec"]["metrics"][0]["tolerated"] == wanted


async def test_the_settings_of_a_foreign_provider_are_kept(installed: ControlPlane) -> None:
    foreign = TEMPLATE.replace("scrape: {port: 80}", "influx: {site: {eu: 1}}") + COUNTS
    made = yaml.safe_load((await tried(installed, foreign)).stdout)
    assert made["spec"]["provider"] == {"influx": {"site": {"eu": 1}}}


async def test_explain_reads_well(installed: ControlPlane) -> None:
    steps = (await installed.kubectl("explain", "rollout.spec.steps")).stdout
    assert "Weights in rising order. None: 1, 5, 10, 25, 50." in steps
    assert "Share of the traffic for the canary, in percent." in steps
    watch = (await installed.kubectl("explain", "rollout.spec.promotion.watch")).stdout
    assert "Default: 10m." in watch


async def test_the_columns_show_a_status_and_short_names_work(installed: ControlPlane) -> None:
    await installed.kubectl("create", "-f", "-", input=ROLLOUT.replace("checkout,", "shown,"))
    status = {
        "phase": "Progressing", "step": "2/4", "weight": 5, "verdict": "HOLD",
        "evidence": "orders 0.97x", "change": "shown-1", "atRisk": "3/100", "origin": "generated",
        "nextAt": "2026-11-24T20:00:00Z", "message": "gathers evidence",
    }  # fmt: skip
    patch = json.dumps({"status": status})
    arguments = ("patch", "bdr", "shown", "-n", "shop", "--subresource=status", "--type=merge")
    await installed.kubectl(*arguments, "-p", patch)
    narrow = (await installed.kubectl("get", "rollouts", "-n", "shop")).stdout.splitlines()
    assert narrow[0].split() == [
        "NAME", "PHASE", "STEP", "WEIGHT", "VERDICT", "EVIDENCE", "CHANGE", "AT-RISK", "AGE",
    ]  # fmt: skip
    line = " ".join(next(row for row in narrow if row.startswith("shown")).split())
    assert line.startswith("shown Progressing 2/4 5 HOLD orders 0.97x shown-1 3/100")
    wide = (await installed.kubectl("get", "bdr", "shown", "-n", "shop", "-o", "wide")).stdout
    assert wide.splitlines()[0].split()[-3:] == ["ORIGIN", "NEXT", "MESSAGE"]
    assert "2026-11-24T20:00:00Z" in wide


async def test_a_rollout_keeps_its_workload(installed: ControlPlane) -> None:
    await installed.kubectl("create", "-f", "-", input=ROLLOUT.replace("checkout,", "kept,"))
    patch = '{"spec": {"workload": {"name": "other"}}}'
    arguments = ("patch", "bdr", "kept", "-n", "shop", "--type=merge", "-p", patch)
    ran = await installed.kubectl(*arguments, check=False)
    assert "a Rollout keeps its workload; delete it" in ran.stderr


@pytest.mark.parametrize(
    ("kind", "spec", "edit", "said"),
    [
        ("Change", {"rollout": "a"}, {"what": "else"}, "a Change is history"),
        (
            "Signoff",
            {"rollout": "a", "decision": "Hold"},
            {"decision": "Abort"},
            "a Signoff is immutable: create another one",
        ),
    ],
)
async def test_history_cannot_be_rewritten(
    installed: ControlPlane, kind: str, spec: dict[str, str], edit: dict[str, str], said: str
) -> None:
    head = {"apiVersion": "blastdoor.dev/v1alpha1", "kind": kind}
    body = {**head, "metadata": {"name": "one", "namespace": "shop"}, "spec": spec}
    await installed.kubectl("create", "-f", "-", input=json.dumps(body))
    arguments = ("patch", kind.lower(), "one", "-n", "shop", "--type=merge")
    ran = await installed.kubectl(*arguments, "-p", json.dumps({"spec": edit}), check=False)
    assert said in ran.stderr
