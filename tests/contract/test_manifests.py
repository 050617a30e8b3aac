"""What `kubectl apply -k manifests/` installs: who may do what, who may sign, and how it leaves."""

import argparse
import asyncio
import json
from typing import Any

import pytest

from controller.api.names import OPERATOR_NAMESPACE
from controller.cli import uninstall
from controller.cli.exits import Exit
from controller.cli.main import main
from controller.core.observed import HoldMode
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local.controlplane import ControlPlane
from controller.runtime.probe import HoldProbe
from tests.contract.installed import MANIFESTS, installed, tried
from tests.plugins.real_cluster import may, until_may

__all__ = ["installed"]

pytestmark = pytest.mark.e2e

WITHIN_S = 20.0
"""A policy acts some seconds after it was created."""


def signoff(decision: str, **spec: str) -> str:
    body = {
        "apiVersion": "blastdoor.dev/v1alpha1",
        "kind": "Signoff",
        "metadata": {"generateName": "one-", "namespace": "shop"},
        "spec": {"rollout": "checkout", "decision": decision, **spec},
    }
    return json.dumps(body)


async def grant(plane: ControlPlane, user: str, role: str) -> None:
    """Bind a role of ours to a person, and wait until the authorizer knows it."""
    name = f"{user}-{role}"
    arguments = ("create", "rolebinding", name, "-n", "shop", f"--clusterrole={role}")
    await plane.kubectl(*arguments, f"--user={user}")
    await until_may(plane, user, "create", "signoffs.blastdoor.dev", "shop")


async def refused(plane: ControlPlane, manifest: str, user: str, words: str) -> None:
    """Refused with these words; a policy that is young may still let it pass for a while."""
    said = ""
    for _ in range(int(WITHIN_S / 0.5)):
        said = (await tried(plane, manifest, user)).stderr
        if words in said:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(said or "it was not refused")


@pytest.mark.parametrize(
    ("verb", "resource", "more"),
    [
        ("patch", "rollouts.blastdoor.dev", ("--subresource=status",)),
        ("create", "changes.blastdoor.dev", ()),
        ("patch", "deployments.apps", ()),
        ("patch", "replicasets.apps", ()),
        ("patch", "httproutes.gateway.networking.k8s.io", ()),
        ("patch", "horizontalpodautoscalers.autoscaling", ()),
        ("create", "services", ()),
        ("list", "pods", ()),
        ("patch", "configmaps", ()),
        ("create", "events", ()),
    ],
)
async def test_the_operator_may_do_its_work_everywhere(
    installed: ControlPlane, verb: str, resource: str, more: tuple[str, ...]
) -> None:
    assert await may(installed, "operator", verb, resource, "-n", "shop", *more)


@pytest.mark.parametrize(
    ("verb", "resource"),
    [
        ("get", "secrets"),
        ("get", "configmaps"),
        ("list", "endpointslices.discovery.k8s.io"),
        ("patch", "changes.blastdoor.dev"),
        ("create", "signoffs.blastdoor.dev"),
        ("update", "deployments.apps"),
        ("create", "rollouts.blastdoor.dev"),
        ("delete", "pods"),
        ("impersonate", "users"),
        ("patch", "validatingadmissionpolicies.admissionregistration.k8s.io"),
        ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
    ],
)
async def test_the_operator_may_not_do_more(
    installed: ControlPlane, verb: str, resource: str
) -> None:
    assert not await may(installed, "operator", verb, resource, "-n", "shop")


async def test_the_probe_may_patch_its_own_deployment_and_nothing_else(
    installed: ControlPlane,
) -> None:
    home = ("-n", "blastdoor-system")
    assert await may(installed, "probe", "patch", "deployments.apps/blastdoor-probe", *home)
    assert not await may(installed, "probe", "patch", "deployments.apps/blastdoor", *home)
    assert not await may(installed, "probe", "get", "deployments.apps/blastdoor-probe", *home)
    assert not await may(installed, "probe", "patch", "deployments.apps", "-n", "shop")


async def test_the_probe_sees_that_an_edit_is_held(installed: ControlPlane) -> None:
    async with ApiServer(Kubeconfig(str(installed.kubeconfig("probe")))) as cluster:
        probe = HoldProbe(cluster, OPERATOR_NAMESPACE, 60.0)
        for _ in range(int(WITHIN_S / 0.5)):
            if await probe.probe() is HoldMode.ON_CHANGE:
                return
            await asyncio.sleep(0.5)
    raise AssertionError(probe.why)


async def test_edit_brings_rollouts_but_no_commands(installed: ControlPlane) -> None:
    name = ("create", "rolebinding", "alice-edit", "-n", "shop")
    await installed.kubectl(*name, "--clusterrole=edit", "--user=alice")
    await until_may(installed, "alice", "create", "rollouts.blastdoor.dev", "shop")
    assert await may(installed, "alice", "get", "changes.blastdoor.dev", "-n", "shop")
    assert not await may(installed, "alice", "create", "signoffs.blastdoor.dev", "-n", "shop")
    assert not await may(installed, "alice", "create", "changes.blastdoor.dev", "-n", "shop")


async def test_on_call_may_abort_and_hold_but_not_promote(installed: ControlPlane) -> None:
    await grant(installed, "erin", "blastdoor-oncall")
    words = "NotAuthorised: erin may not Promote releases in shop; it needs the verb promote"
    await refused(installed, signoff("Promote"), "erin", words)
    for decision in ("Abort", "Hold", "Release"):
        assert (await tried(installed, signoff(decision), "erin")).returncode == 0, decision


async def test_a_promoter_may_promote_and_retry(installed: ControlPlane) -> None:
    await grant(installed, "dave", "blastdoor-promoter")
    for decision in ("Promote", "Retry", "Abort"):
        assert (await tried(installed, signoff(decision), "dave")).returncode == 0, decision


async def test_nobody_signs_for_another(installed: ControlPlane) -> None:
    await grant(installed, "mallory", "blastdoor-promoter")
    words = "ForgedIdentity: spec.by is dave but the request came from mallory"
    await refused(installed, signoff("Abort", by="dave"), "mallory", words)


async def test_a_signoff_that_names_nobody_is_its_creators(installed: ControlPlane) -> None:
    await grant(installed, "carol", "blastdoor-oncall")
    assert "by: carol" in (await tried(installed, signoff("Abort"), "carol")).stdout


async def test_the_command_line_signs_as_the_person_that_calls_it(
    installed: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    await grant(installed, "bob", "blastdoor-oncall")
    spec = {"workload": {"name": "cart"}, "traffic": {"service": "cart"}}
    head = {"apiVersion": "blastdoor.dev/v1alpha1", "kind": "Rollout"}
    body = {**head, "metadata": {"name": "cart", "namespace": "shop"}, "spec": spec}
    await installed.kubectl("create", "-f", "-", input=json.dumps(body))
    here = ["-n", "shop", "--kubeconfig", str(installed.kubeconfig("bob"))]
    abort = ["abort", "cart", "--reason", "orders fall", "--wait", "0", *here]
    assert await asyncio.to_thread(main, abort) == Exit.OK
    name = capsys.readouterr().out.split("signoff ")[1].split(",")[0]
    assert await asyncio.to_thread(main, ["promote", "cart", *here]) == Exit.REFUSED
    assert "NotAuthorised: bob may not Promote" in capsys.readouterr().err
    made = await _read(installed, "signoff", name, "-n", "shop")
    assert made["spec"] == {
        "rollout": "cart", "decision": "Abort", "reason": "orders fall", "by": "bob",
    }  # fmt: skip


async def test_an_older_server_gets_all_but_the_mutating_policies(installed: ControlPlane) -> None:
    whole = (await installed.kubectl("kustomize", str(MANIFESTS))).stdout
    older = (await installed.kubectl("kustomize", str(MANIFESTS / "before-1.36"))).stdout
    assert whole.count("kind: MutatingAdmissionPolicy\n") == 2
    assert "MutatingAdmissionPolicy" not in older
    assert older.count("kind: CustomResourceDefinition") == 4


async def test_uninstall_lets_go_in_order_and_leaves_what_serves(
    installed: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    await _adopted_by_a_dead_operator(installed)
    async with ApiServer(Kubeconfig(str(installed.kubeconfig("admin")))) as cluster:
        waiting = argparse.Namespace(wait_s=0.0, without_operator=False)
        with pytest.raises(uninstall.CommandError, match=r"shop/left.*the policies stay"):
            await uninstall.uninstall(cluster, waiting)
        gone = argparse.Namespace(wait_s=20.0, without_operator=True)
        assert await uninstall.uninstall(cluster, gone) == 0
    said = capsys.readouterr().out
    assert "rollout shop/left let go without being restored" in said
    assert "deployment shop/left is still paused: kubectl rollout resume" in said
    left = await _read(installed, "deployment", "left", "-n", "shop")
    assert "blastdoor.dev/rollout" not in left["metadata"]["labels"]
    assert left["spec"]["paused"] is True
    # The API server lets a kind go only after its objects, a moment after it was asked to.
    ours = ("analysistemplates", "changes", "rollouts", "signoffs")
    kinds = [f"crd/{one}.blastdoor.dev" for one in ours]
    await installed.kubectl("wait", "--for=delete", *kinds, "--timeout=30s")
    for kind in ("crd", "validatingadmissionpolicy", "mutatingadmissionpolicy", "clusterrole"):
        assert "blastdoor" not in (await installed.kubectl("get", kind, "-o", "name")).stdout


async def _adopted_by_a_dead_operator(plane: ControlPlane) -> None:
    """A Rollout with our finalizer and a paused, labelled Deployment; nobody answers for them."""
    rollout = {
        "apiVersion": "blastdoor.dev/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "left", "namespace": "shop", "finalizers": ["blastdoor.dev/leave"]},
        "spec": {"workload": {"name": "left"}, "traffic": {"service": "left"}},
    }
    labels = {"app": "left", "blastdoor.dev/rollout": "left"}
    containers = [{"name": "web", "image": "web"}]
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "left", "namespace": "shop", "labels": labels},
        "spec": {
            "paused": True,
            "replicas": 0,
            "selector": {"matchLabels": {"app": "left"}},
            "template": {
                "metadata": {"labels": {"app": "left"}},
                "spec": {"containers": containers},
            },
        },
    }
    for body in (rollout, deployment):
        await plane.kubectl("create", "-f", "-", input=json.dumps(body))


async def _read(plane: ControlPlane, *what: str) -> Any:
    return json.loads((await plane.kubectl("get", *what, "-o", "json")).stdout)
