"""One shop on the real control plane with the operator at work, as people would see it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.api.k8s import Deployment, HTTPRoute
from controller.api.kinds import Change, Rollout, Signoff
from controller.api.names import ABORTED_ANNOTATION
from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    CHANGES,
    DEPLOYMENTS,
    HTTP_ROUTES,
    ROLLOUTS,
    SERVICES,
    SIGNOFFS,
)
from controller.core.phases import Phase
from controller.kube.client import ApiServer
from controller.kube.config import Kubeconfig
from controller.local import deploying, images, shop_objects
from controller.local.pod_runner import RestartWaits
from controller.local.stack import LocalStack
from tests.e2e.operating import operator_on
from tests.e2e.specs import ANALYSIS, NAME, ROUTE, rollout_spec
from tests.plugins.real_cluster import RealCluster, until_may

CANARY = f"{NAME}-canary"
MANIFESTS = Path(__file__).parents[2] / "manifests"
RATE = 300.0
WITHIN_S = 90.0


@dataclass
class Shop:
    """What a test does and sees."""

    plane: RealCluster
    admin: ApiServer
    stack: LocalStack
    namespace: str

    # -- people ---------------------------------------------------------------------------------

    async def adopt(self, *, analysis: Mapping[str, Any] = ANALYSIS, **more: Any) -> None:
        """Template and Rollout; waits until it is at rest."""
        await self.put_analysis(analysis)
        await self.put_rollout(**more)
        await self.until_phase("Stable")

    async def put_analysis(self, analysis: Mapping[str, Any] = ANALYSIS) -> None:
        """Only the template."""
        template = {"metadata": {"name": "shop"}, "spec": dict(analysis)}
        await self.admin.create(ANALYSIS_TEMPLATES, self.namespace, template)

    async def put_rollout(self, name: str = NAME, **more: Any) -> None:
        """Only the Rollout."""
        body = {"metadata": {"name": name}, "spec": rollout_spec(**more)}
        await self.admin.create(ROLLOUTS, self.namespace, body)

    async def release(self, version: str, **more: Any) -> None:
        """An author edits the Deployment."""
        template = shop_objects.template(version, **more)
        await deploying.edit_template(self.admin, template, namespace=self.namespace)

    async def sign(self, decision: str, user: str = "admin") -> str:
        """`kubectl create -f` of a Signoff; its name."""
        manifest = {
            "apiVersion": "blastdoor.dev/v1alpha1",
            "kind": "Signoff",
            "metadata": {"generateName": f"{decision.lower()}-"},
            "spec": {"rollout": NAME, "decision": decision, "reason": "asked for by the test"},
        }
        said = await self.kubectl(
            "create", "-f", "-", "-o", "name", given=json.dumps(manifest), user=user
        )
        return said.strip().rpartition("/")[2]

    async def answered(self, signoff: str) -> Signoff:
        """A Signoff once it has an answer."""
        return await deploying.until(
            lambda: self.admin.get(SIGNOFFS, self.namespace, signoff),
            lambda s: bool(s.status.state),
            WITHIN_S,
            f"an answer to {signoff}",
        )

    async def bind(self, user: str, role: str) -> None:
        """An administrator gives somebody a role in this namespace."""
        await self.kubectl(
            "create", "rolebinding", f"{user}-{role}", f"--clusterrole={role}", f"--user={user}"
        )
        known = "configmaps" if role == "edit" else "signoffs.blastdoor.dev"
        await until_may(self.plane, user, "create", known, self.namespace)

    async def kubectl(self, *arguments: str, user: str = "admin", given: str | None = None) -> str:
        """What kubectl says in the shop's namespace; raises KubectlError when it is refused."""
        ran = await self.plane.kubectl("-n", self.namespace, *arguments, user=user, input=given)
        return ran.stdout

    # -- looking --------------------------------------------------------------------------------

    async def rollout(self, name: str = NAME) -> Rollout:
        return await self.admin.get(ROLLOUTS, self.namespace, name)

    async def deployment(self) -> Deployment:
        return await self.admin.get(DEPLOYMENTS, self.namespace, NAME)

    async def route(self) -> HTTPRoute:
        return await self.admin.get(HTTP_ROUTES, self.namespace, ROUTE)

    async def changes(self) -> list[Change]:
        page = await self.admin.list_page(CHANGES, self.namespace)
        return [c for c in page.items if isinstance(c, Change)]

    async def change_of(self, version: str) -> Change | None:
        """The Change that proposes a version."""
        image = f":{version}"
        found = [c for c in await self.changes() if c.spec.target.images[0].endswith(image)]
        return found[-1] if found else None

    async def weight(self) -> float:
        """The canary's share as the route says it, in percent."""
        return share_of(await self.route())

    async def versions(self) -> set[str]:
        """What the pods of the Deployment run, ending ones not counted."""
        pods = await deploying.pods(self.admin, self.namespace, f"app={NAME}")
        lasting = [p for p in pods if p.metadata.deletion_timestamp is None]
        return {images.version(p.spec.containers[0].image) for p in lasting}

    async def traces(self) -> list[str]:
        """What a run adds for its own time and is still there: empty when the run left nothing."""
        deployments = await self.admin.list_page(DEPLOYMENTS, self.namespace)
        services = await self.admin.list_page(SERVICES, self.namespace)
        everything = (*deployments.items, *services.items)
        found = [f"{o!r:.200}" for o in everything if o.metadata.name == CANARY]
        route = await self.route()
        found += [a for a in route.metadata.annotations if a.startswith("blastdoor.dev")]
        found += [r.name for r in route.spec.rules[0].backend_refs if r.name != NAME]
        return found

    async def condition(self, kind: str, name: str = NAME) -> tuple[str, str, str]:
        """Status, reason and message of one condition of the Rollout."""
        seen = {c.type: c for c in (await self.rollout(name)).status.conditions}
        return seen[kind].status, seen[kind].reason, seen[kind].message

    # -- waiting --------------------------------------------------------------------------------

    async def until_phase(self, *phases: str, name: str = NAME) -> Rollout:
        return await deploying.until(
            lambda: self.rollout(name),
            lambda r: r.status.phase in phases,
            WITHIN_S,
            f"phase {phases}",
        )

    async def until_reason(self, reason: str, *, name: str = NAME, says: str = "") -> Rollout:
        """The Rollout once it gives that reason in a sentence with those words."""
        return await deploying.until(
            lambda: self.rollout(name),
            lambda r: r.status.reason == reason and says in r.status.message,
            WITHIN_S,
            f"reason {reason} with {says!r}",
        )

    async def until_weight(self, least: float) -> None:
        await deploying.until(self.weight, lambda w: w >= least, WITHIN_S, f"weight {least}%")

    async def until_changing(self, version: str, *phases: Phase) -> Change:
        """The Change of a version once it is in one of these phases."""
        change = await deploying.until(
            lambda: self.change_of(version),
            lambda c: c is not None and c.status.phase in phases,
            WITHIN_S,
            f"{version} in {phases}",
        )
        assert change is not None
        return change

    async def ended(self, version: str) -> Change:
        """The Change of a version after its end."""
        return await self.until_changing(version, Phase.FINISHED)


def share_of(route: HTTPRoute) -> float:
    """The canary's share as the route says it, in percent."""
    refs = route.spec.rules[0].backend_refs
    total = sum(r.weight for r in refs)
    return 100 * sum(r.weight for r in refs if r.name == CANARY) / total if total else 0.0


def marked(route: HTTPRoute) -> bool:
    """The route carries the containment mark."""
    return bool(route.metadata.annotations.get(ABORTED_ANNOTATION))


@asynccontextmanager
async def shop_on(
    plane: RealCluster, namespace: str, *, operator: bool = True, deployed: bool = True
) -> AsyncIterator[Shop]:
    """Three pods of v1 behind Envoy, and the operator in this process."""
    async with AsyncExitStack() as stack:
        admin = await stack.enter_async_context(ApiServer(Kubeconfig(str(plane.kubeconfig()))))
        waits = RestartWaits(first_s=0.2, cap_s=0.4, calm_s=30.0)
        local = await stack.enter_async_context(LocalStack(admin, namespace=namespace, waits=waits))
        if operator:
            await stack.enter_async_context(operator_on(plane))
        await deploying.put_namespace(admin, namespace)
        if deployed:
            await deploying.put_shop(admin, "v1", namespace=namespace, route=ROUTE)
            await deploying.until_rolled_out(admin, namespace=namespace)
        yield Shop(plane, admin, local, namespace)
