"""`get` shows what kubectl shows, and the same objects as JSON and YAML."""

import argparse
import json
from datetime import timedelta
from typing import Any

import pytest
import yaml

from controller.api import crd_tables
from controller.cli import connect, get, output
from controller.cli.exits import CommandError, Exit
from controller.kube.port import Forbidden, NotFound, Unreachable
from tests.unit.controller.cli.objects import NOW, change, cluster_with, rollout


def asked(**more: Any) -> argparse.Namespace:
    given = {"kind": "rollouts", "name": "", "all_namespaces": False, "output": None}
    return argparse.Namespace(**{**given, "namespace": "shop", **more})


def test_the_table_has_the_columns_of_kubectl() -> None:
    one = rollout(phase="Progressing", step="2/4", weight=5, atRisk="3/100", verdict="HOLD")
    head, row = get.rendered(crd_tables.ROLLOUT, [one], asked(), NOW).splitlines()
    assert head.split() == [
        "NAME", "PHASE", "STEP", "WEIGHT", "VERDICT", "EVIDENCE", "CHANGE", "AT-RISK", "AGE",
    ]  # fmt: skip
    assert row.split() == ["checkout", "Progressing", "2/4", "5", "HOLD", "3/100", "1h"]


def test_wide_adds_columns_and_all_namespaces_the_first() -> None:
    text = get.rendered(
        crd_tables.CHANGE, [change()], asked(output="wide", all_namespaces=True), NOW
    )
    head, row = text.splitlines()
    assert head.startswith("NAMESPACE")
    assert row.split()[:3] == ["shop", "checkout-1", "checkout"]
    assert "registry/shop:v2" in row


def test_a_column_reads_conditions_and_lists() -> None:
    conditions = {"c": ({"type": "Ready", "status": "True"}, {"type": "Else", "status": "x"})}
    ready = output._values(conditions, ".c[?(@.type=='Ready')].status")
    names = output._values({"m": [{"name": "a"}, {"name": "b"}]}, ".m[*].name")
    assert (ready, names) == (["True"], ["a", "b"])


def test_json_and_yaml_name_the_kind() -> None:
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        one = read(get.rendered(crd_tables.ROLLOUT, [rollout()], asked(output=form, name="x"), NOW))
        assert (one["kind"], one["metadata"]["name"]) == ("Rollout", "checkout")
        many = read(get.rendered(crd_tables.ROLLOUT, [rollout()], asked(output=form), NOW))
        assert [item["kind"] for item in many["items"]] == ["Rollout"]


async def test_nothing_found_is_said_beside_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert await get._get(await cluster_with(), asked()) == Exit.OK
    caught = capsys.readouterr()
    assert (caught.out, caught.err) == ("", "No rollouts in namespace shop.\n")


async def test_every_alias_lists_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    cluster = await cluster_with(rollout(), change())
    for alias, name in (("bdr", "checkout"), ("chg", "checkout-1"), ("change", "checkout-1")):
        await get._get(cluster, asked(kind=alias))
        assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "5s"), (300, "5m"), (3725, "1h2m"), (200_000, "2d"), (-5, "0s")]
)
def test_an_age_is_said_in_its_largest_units(seconds: int, text: str) -> None:
    assert output.span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("error", "code", "advice"),
    [
        (NotFound(404, "NotFound", "gone"), Exit.NOT_FOUND, "lists what there is"),
        (Forbidden(403, "Forbidden", "no"), Exit.REFUSED, "ask for the permission"),
        (Unreachable(0, "Timeout", "late"), Exit.UNREACHABLE, "is the cluster up"),
        (Unreachable(0, "NoConfiguration", "none"), Exit.UNREACHABLE, "--kubeconfig"),
    ],
)
def test_a_failed_call_says_what_to_do_and_has_its_code(
    error: Any, code: Exit, advice: str
) -> None:
    said: CommandError = connect.command_error(error)
    assert said.code is code
    assert advice in str(said)


def test_the_namespace_is_the_contexts(tmp_path: Any) -> None:
    config = {
        "current-context": "a",
        "contexts": [
            {"name": "a", "context": {"namespace": "shop"}},
            {"name": "b", "context": {}},
        ],
    }
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(config))
    for context, namespace in (("", "shop"), ("b", "default")):
        options = argparse.Namespace(namespace="", kubeconfig=str(file), context=context)
        assert connect.namespace_of(options) == namespace
