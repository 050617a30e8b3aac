"""A whole shop in virtual time: cluster in memory, pods, a gateway that accepts, orders, operators.

Orders are arithmetic (`virtual_orders`), so a test can let an hour pass in a blink. Used by the
property tests; an operator can be killed before or after any single write.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from typing import Any

import msgspec

from controller.api import names
from controller.api.k8s import Pod
from controller.api.kinds import Change, Rollout
from controller.api.resources import (
    ANALYSIS_TEMPLATES,
    AUTOSCALERS,
    CHANGES,
    DEPLOYMENTS,
    EVENTS,
    HTTP_ROUTES,
    LEASES,
    PODS,
    REPLICASETS,
    ROLLOUTS,
    SERVICES,
    SIGNOFFS,
)
from controller.kube.memory import MemoryCluster
from controller.kube.port import Forbidden, NotFound, Unreachable
from controller.local import shop_objects
from controller.local.admission import hold_and_lock
from controller.local.controllers.instant_pods import CRASH_LOOP, NEVER_READY, WELL, Fate
from controller.local.controllers.machinery import machinery
from controller.metrics.port import Tools
from controller.runtime.clock import loop_now
from controller.runtime.manager import Operator
from controller.runtime.plugins import Plugins, Registry, installed
from controller.runtime.settings import Settings
from controller.workloads.template import digest
from tests.property.virtual_orders import KEY, Orders, VirtualProvider, body_of, canary_weight

EPOCH = datetime(2026, 11, 24, 12, tzinfo=UTC)
CRASHING = "crashing"
DRAIN = "system:serviceaccount:kube-system:node-drainer"
CANARY_PODS = f"{names.ROLE_LABEL}={names.ROLE_CANARY}"
ANALYSIS: dict[str, Any] = {
    "provider": {"virtual": {}},
    "tick": "1s",
    "bake": "0s",
    "coverHarmAfter": "5s",
    "warmUp": "0s",
    "maxMissing": "90%",
    "metrics": [
        {"name": "orders", "harm": "Decrease", "events": "orders", "exposures": "sessions",
         "margin": {"5": "30%", "50": "20%"}},
    ],
}  # fmt: skip
ROLLOUT: dict[str, Any] = {
    "workload": {"name": KEY.name},
    "traffic": {"service": KEY.name, "routes": [{"name": shop_objects.NAMESPACE}]},
    "steps": [{"weight": 5}, {"weight": 50}],
    "analysis": [{"template": "shop"}],
    "promotion": {"holdback": 2, "watch": "5s"},
}
LIMITS = {"drain": "2s", "progressDeadline": "60s", "hold": "10m"}


class _Preloaded(Plugins):
    """Plug-ins given by hand instead of by entry point."""

    def __init__(self, what: str, given: Mapping[str, Any]) -> None:
        points = [EntryPoint(name=name, value="given", group="given") for name in given]
        super().__init__(what, points)
        self._loaded.update(given)


class ShopWorld:
    """Enter it on a loop with virtual time."""

    def __init__(self, **limits: str) -> None:
        self._rollout = ROLLOUT | {"limits": LIMITS | limits}
        self.weights: list[float] = []
        self.under_mark: list[float] = []
        """Weights that were in the route together with the mark of containment."""
        self.killed = False
        """The write that `crash_at` named came, and the operator was cut off there."""
        self.full = False
        """No node has room for another pod of a canary."""
        self.not_found = ""
        """What the gateway says of a canary that it does not find."""
        self._stack = AsyncExitStack()
        self._operators: list[tuple[Operator, asyncio.Task[None]]] = []

    async def __aenter__(self) -> ShopWorld:
        random.seed(1)  # waits between tries have jitter: the same in every run of a test
        self.now = loop_now(EPOCH)
        spaces = ("default", names.OPERATOR_NAMESPACE, KEY.namespace)
        self.cluster = MemoryCluster(self.now, admission=hold_and_lock(), namespaces=spaces)
        self.admin = self.cluster.as_user("alice")
        self.orders = Orders(self.cluster, self.now)
        await self._stack.enter_async_context(
            machinery(self.cluster.as_user, self.now, fate=self._fate)
        )
        self._gateway = asyncio.create_task(self._accept(), name="gateway")
        self._stack.push_async_callback(self._end, self._gateway)
        await self._shop()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.kill_operators()
        await self._stack.aclose()

    # -- what the shop is made of; another shop overrides some of it ----------------------------

    def template_body(self, version: str) -> dict[str, Any]:
        """The pod template of a version."""
        return shop_objects.template(version)

    def deployment_body(self, version: str) -> dict[str, Any]:
        """The Deployment at a version."""
        return shop_objects.deployment(self.template_body(version), replicas=4)

    def service_body(self) -> dict[str, Any]:
        """Its Service."""
        return shop_objects.service()

    # -- people ---------------------------------------------------------------------------------

    async def _shop(self) -> None:
        space = KEY.namespace
        await self.admin.create(SERVICES, space, self.service_body())
        await self.admin.create(DEPLOYMENTS, space, self.deployment_body("v1"))
        await self.admin.create(HTTP_ROUTES, space, shop_objects.http_route({KEY.name: 1}))
        await self.admin.create(
            ANALYSIS_TEMPLATES, space, {"metadata": {"name": "shop"}, "spec": ANALYSIS}
        )
        await asyncio.sleep(10)
        await self.admin.create(
            ROLLOUTS, space, {"metadata": {"name": KEY.name}, "spec": self._rollout}
        )

    async def release(self, version: str) -> None:
        """An author edits the Deployment's template."""
        edit = [{"op": "add", "path": "/spec/template", "value": self.template_body(version)}]
        await self.admin.patch_json(DEPLOYMENTS, KEY.namespace, KEY.name, edit)

    async def sign(self, decision: str) -> None:
        """A person signs."""
        count = sum(1 for w in self.cluster.journal if w.resource == str(SIGNOFFS))
        body = {
            "metadata": {"name": f"{decision.lower()}-{count}"},
            "spec": {"rollout": KEY.name, "decision": decision, "by": "alice"},
        }
        await self.admin.create(SIGNOFFS, KEY.namespace, body)

    async def scale(self, replicas: int) -> None:
        """The owner, or an autoscaler, sets the size."""
        body = {"spec": {"replicas": replicas}}
        await self.admin.patch_merge(
            DEPLOYMENTS, KEY.namespace, KEY.name, body, subresource="scale"
        )

    async def narrow_margins(self, to: str) -> None:
        """An SRE asks more of every step."""
        (orders,) = ANALYSIS["metrics"]
        spec = {"metrics": [{**orders, "margin": {"5": to, "50": to}}]}
        await self.admin.patch_merge(ANALYSIS_TEMPLATES, KEY.namespace, "shop", {"spec": spec})

    async def lose_canary_pods(self) -> None:
        """A node with all pods of the canary goes away."""
        drain = self.cluster.as_user(DRAIN)
        page = await drain.list_page(PODS, KEY.namespace, label_selector=CANARY_PODS)
        for pod in page.items:
            await drain.delete(PODS, KEY.namespace, pod.metadata.name)

    async def lose_stable_and_label(self) -> None:
        """What the lock refuses to people, done all the same, while no operator is there."""
        mighty = self.cluster.as_user(names.OPERATOR_ACCOUNT)
        hash_ = self.rollout().status.stable.hash
        await mighty.delete(REPLICASETS, KEY.namespace, f"{KEY.name}-{hash_}")
        label = {"metadata": {"labels": {names.ROLLOUT_LABEL: None}}}
        await mighty.patch_merge(DEPLOYMENTS, KEY.namespace, KEY.name, label)

    async def take_away(self, resource: Any, name: str) -> None:
        """An object goes at once, whatever finalizer it has: while the operator was not looking."""
        free = {"metadata": {"finalizers": None}}
        mighty = self.cluster.as_user(names.OPERATOR_ACCOUNT)
        await self.admin.delete(resource, KEY.namespace, name)
        with suppress(NotFound):
            await mighty.patch_merge(resource, KEY.namespace, name, free)

    # -- operators ------------------------------------------------------------------------------

    def start_operator(self) -> Operator:
        """One more operator; two of them elect a leader."""
        settings = Settings(identity=f"operator-{len(self._operators)}", port=-1)
        registry = self.registry()
        unused: Any = None
        tools = Tools(unused, unused, unused, asyncio.Semaphore(8), str)
        operator = Operator(self.cluster, tools, settings, now=self.now, plugins=registry)
        task = asyncio.create_task(operator.run(), name=settings.identity)
        self._operators.append((operator, task))
        return operator

    def registry(self) -> Registry:
        """The plug-ins of this world."""
        virtual = {"virtual": VirtualProvider(self.orders)}
        return Registry(installed().routers, _Preloaded("provider", virtual))

    async def kill_operators(self) -> None:
        """All operators stop where they are; their leases are not handed on."""
        for _, task in self._operators:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._operators), return_exceptions=True)
        self._operators.clear()

    async def kill_first_operator(self) -> None:
        """The leader goes away in mid-run, and hands its lease on as it goes."""
        _, task = self._operators.pop(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def lead(self, who: str, for_s: int) -> None:
        """Somebody else takes the lease."""
        spec = {"holderIdentity": who, "leaseDurationSeconds": for_s}
        space = names.OPERATOR_NAMESPACE
        await self.admin.patch_merge(LEASES, space, "blastdoor", {"spec": spec})

    def crash_at(self, write: int) -> None:
        """The operator is cut off before its `write`-th write, which is just after the one before:
        every call of it fails from then on. Events and leases are no writes of a release."""
        count = 0

        def before(call: Any) -> None:
            nonlocal count
            reads = call.verb in ("get", "list", "watch")
            if count < write and not reads and call.resource not in (EVENTS, LEASES):
                count += 1
            if count == write:
                self.killed = True
                raise Unreachable(0, "Killed", "the operator is dead", what=call.what)

        self.cluster.faults.before_each(before, user=names.OPERATOR_ACCOUNT)

    async def autoscale(self, least: int, most: int) -> None:
        """An autoscaler for the shop that never scales: it has no metrics here."""
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": KEY.name}
        spec = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": most}
        body = {"metadata": {"name": KEY.name}, "spec": spec}
        await self.admin.create(AUTOSCALERS, KEY.namespace, body)

    def refuse(self, resource: Any, reads_by: str = "") -> None:
        """Every write of the operator to this kind is forbidden, or every read of somebody."""

        def before(call: Any) -> None:
            reads = call.verb in ("get", "list", "watch")
            if str(call.resource) == str(resource) and reads == bool(reads_by):
                raise Forbidden(403, "Forbidden", "no right to do so", what=call.what)

        self.cluster.faults.before_each(before, user=reads_by or names.OPERATOR_ACCOUNT)

    def heal(self) -> None:
        """Calls work again."""
        self.cluster.faults.clear()

    # -- looking --------------------------------------------------------------------------------

    def rollout(self) -> Rollout:
        """The Rollout as the server holds it."""
        body = body_of(self.cluster, ROLLOUTS, KEY.name)
        return msgspec.convert(body, Rollout)

    def changes(self) -> list[Change]:
        """All Changes, oldest first."""
        made = {w.key.name for w in self.cluster.journal if w.resource == str(CHANGES)}
        bodies = [body_of(self.cluster, CHANGES, name) for name in sorted(made)]
        found = [msgspec.convert(b, Change) for b in bodies if b is not None]
        return sorted(found, key=lambda c: int(c.metadata.resource_version))

    def held_digest(self) -> str:
        """Digest of the template that the Deployment holds."""
        return digest(msgspec.Raw(msgspec.json.encode(self.deployment()["spec"]["template"])))

    def deployment(self) -> dict[str, Any]:
        """The Deployment's JSON."""
        body = body_of(self.cluster, DEPLOYMENTS, KEY.name)
        assert body is not None
        return dict(body)

    async def images(self) -> set[str]:
        """Images of the Deployment's own pods."""
        page = await self.admin.list_page(PODS, KEY.namespace, label_selector=f"app={KEY.name}")
        return {p.spec.containers[0].image for p in page.items if isinstance(p, Pod)}

    def weight(self) -> float:
        """The canary's share now."""
        return canary_weight(self.cluster)

    # -- the gateway ----------------------------------------------------------------------------

    async def _accept(self) -> None:
        """Accepts every generation of the route, and takes down each weight that it sees."""
        gateway = self.cluster.as_user("gateway")
        seen: tuple[int, str] | None = None
        while True:
            route = body_of(self.cluster, HTTP_ROUTES, shop_objects.NAMESPACE)
            now = (route["metadata"]["generation"], self.not_found) if route is not None else seen
            if route is not None and now != seen:
                seen = now
                self.orders.advance()
                self.weights.append(canary_weight(self.cluster))
                if route["metadata"].get("annotations", {}).get(names.ABORTED_ANNOTATION):
                    self.under_mark.append(self.weights[-1])
                await gateway.patch_merge(
                    HTTP_ROUTES,
                    KEY.namespace,
                    shop_objects.NAMESPACE,
                    accepted(route, self.not_found),
                    subresource="status",
                )
            await asyncio.sleep(0.02)

    def _fate(self, pod: Any) -> Fate:
        if self.full and pod.metadata.labels.get(names.ROLE_LABEL) == names.ROLE_CANARY:
            return NEVER_READY
        return CRASH_LOOP if CRASHING in pod.spec.containers[0].image else WELL

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        (end,) = await asyncio.gather(task, return_exceptions=True)
        if not isinstance(end, asyncio.CancelledError):
            raise end


def accepted(route: Mapping[str, Any], not_found: str = "") -> dict[str, Any]:
    """What a gateway writes when it has taken a route as it stands; in these words, when it does
    not find the canary."""
    generation = route["metadata"]["generation"]
    condition = {
        "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
        "observedGeneration": generation, "lastTransitionTime": "2026-11-24T12:00:00Z",
    }  # fmt: skip
    conditions = [condition]
    named = {ref["name"] for rule in route["spec"]["rules"] for ref in rule["backendRefs"]}
    if not_found and f"{KEY.name}-canary" in named:
        failed = {"type": "ResolvedRefs", "status": "False", "reason": "BackendNotFound"}
        conditions.append({**condition, **failed, "message": not_found})
    parents = [
        {"parentRef": ref, "controllerName": "test/gateway", "conditions": conditions}
        for ref in route["spec"].get("parentRefs", [{"name": "local"}])
    ]
    return {"status": {"parents": parents}}
