"""What authors get wrong: a clear answer, and nothing lost."""

import json
from typing import Any

import pytest

from controller.api.names import WHY_ANNOTATION
from controller.api.resources import ANALYSIS_TEMPLATES, DEPLOYMENTS
from controller.core.phases import Outcome
from controller.kube.port import Invalid
from tests.e2e.harness import RATE, Shop, shop_on
from tests.e2e.specs import ANALYSIS, LIMITS, NAME, metrics, rollout_spec
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e

MEGABYTE = 1_000_000
LARGEST = 250_000
"""The server takes 256 KiB of annotations; the Deployment's controller adds some of its own."""


async def test_an_image_that_cannot_be_pulled_ends_at_the_progress_deadline_and_gets_no_traffic(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt(limits=LIMITS | {"progressDeadline": "6s"})
        async with shop.stack.load(RATE, seed=91):
            await shop.release("v2", image="registry.example/shop:v2")
            await shop.until_reason("CanaryStarting")
            change = await shop.ended("v2")
        assert change.status.outcome == Outcome.ROLLED_BACK
        assert change.status.reason == "ProgressDeadlineExceeded"
        assert change.status.peak_weight == 0
        assert "0 of 1 canary pods are ready; ImagePullBackOff" in change.status.message
        assert "registry.example/shop:v2" in change.status.message
        told = shop.stack.ledger.read()
        assert told.by_version().keys() == {"v1"}
        assert told.summary().failed == 0
        await shop.until_phase("Rejected")
        assert await shop.versions() == {"v1"}
        assert await shop.traces() == []


async def test_a_megabyte_of_annotation_is_refused_and_the_largest_possible_is_released(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.adopt()
        before = await shop.deployment()
        with pytest.raises(Invalid, match="Too long"):
            await _annotate(shop, "x" * MEGABYTE)
        assert await shop.deployment() == before
        assert (await shop.rollout()).status.phase == "Stable"
        await _annotate(shop, "why not? " * (LARGEST // 9))
        async with shop.stack.load(RATE, seed=92):
            await shop.release("v2")
            change = await shop.ended("v2")
            await shop.until_phase("Stable")
        assert change.status.outcome == Outcome.PROMOTED
        assert change.spec.why.startswith("why not?")
        assert shop.stack.ledger.read().summary().failed == 0
        assert len((await shop.deployment()).metadata.annotations[WHY_ANNOTATION]) > MEGABYTE / 5
        assert await shop.versions() == {"v2"}


async def _annotate(shop: Shop, text: str) -> None:
    body = {"metadata": {"annotations": {WHY_ANNOTATION: text}}}
    await shop.admin.patch_merge(DEPLOYMENTS, shop.namespace, NAME, body)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"steps": [{"weight": 50}, {"weight": 5}]}, "steps"),
        ({"steps": [{"weight": 101}]}, "steps[0].weight"),
        ({"steps": [{"weight": "half"}]}, "steps[0].weight"),
        ({"limits": {"hold": "a while"}}, "limits.hold"),
        ({"trafic": {}}, "trafic"),
    ],
)
async def test_a_spec_that_makes_no_sense_is_refused_with_its_field(
    plane: RealCluster, namespace: str, given: dict[str, Any], answer: str
) -> None:
    body = {
        "apiVersion": "blastdoor.dev/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": rollout_spec(**given),
    }
    ran = await plane.kubectl("create", "-f", "-", input=json.dumps(body), check=False)
    assert ran.returncode != 0
    assert answer in ran.stderr


async def test_a_query_with_a_syntax_error_starts_nothing_and_is_quoted_until_it_is_mended(
    plane: RealCluster, namespace: str
) -> None:
    async with shop_on(plane, namespace) as shop:
        await shop.put_analysis({**ANALYSIS, "metrics": metrics(events="orders_total{")})
        await shop.put_rollout()
        await shop.until_reason("AnalysisMissing", says="orders_total{")
        await shop.kubectl("wait", "bda/shop", "--for=condition=Stalled", "--timeout=30s")
        await shop.release("v2")
        await shop.until_reason("AnalysisMissing", says="the proposed template waits")
        assert await shop.changes() == []
        mended = {"spec": {"metrics": metrics()}}
        await shop.admin.patch_merge(ANALYSIS_TEMPLATES, namespace, "shop", mended)
        await shop.until_weight(5)
        assert await shop.versions() == {"v1"}
        await shop.kubectl("wait", "bda/shop", "--for=condition=Ready", "--timeout=30s")
        header, row = (await shop.kubectl("get", "bda", "shop")).splitlines()
        assert header.split()[:4] == ["NAME", "READY", "PROVIDER", "METRICS"]
        assert row.split()[:5] == ["shop", "True", "scrape", "orders,", "errors"]
