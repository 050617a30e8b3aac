"""`blastdoor uninstall`: give everything back, then go, and drop no guard too early.

Rollouts first: the operator restores routes, canaries and Deployments and lets each go by its
finalizer. Only then the policies, as the lock guards what is still adopted; next the labels that
are left over (with the hold in force they would come back), the operator, the kinds and the roles.
What serves production is never changed here: a Deployment left paused stays so, and is named.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, Final

from controller.api.crd_tables import KINDS
from controller.api.k8s import Deployment
from controller.api.meta import Object
from controller.api.names import FINALIZER, GROUP, OPERATOR_NAMESPACE, ROLLOUT_LABEL
from controller.api.resources import DEPLOYMENTS, NAMESPACES, REPLICASETS, ROLLOUTS, Resource
from controller.cli.connect import add_cluster_options, with_cluster
from controller.cli.exits import CommandError, Exit
from controller.cli.reading import every
from controller.kube.port import Cluster, Forbidden, Invalid, Malformed, NotFound

HELP: Final = "restore every workload, then remove Blastdoor from the cluster"
EXAMPLES: Final = ("blastdoor uninstall --yes",)
POLL_S: Final = 0.5
POLICY_ECHO_S: Final = 60.0
"""How long an API server may go on to obey a policy that was deleted; seconds in practice."""

_ADMISSION: Final = "admissionregistration.k8s.io"
_RBAC: Final = "rbac.authorization.k8s.io"
_OURS: Final = "app.kubernetes.io/part-of=blastdoor"


def _cluster_wide(group: str, plural: str, kind: str) -> Resource[Object]:
    return Resource(group, "v1", plural, kind, Object, namespaced=False)


_CRDS: Final = _cluster_wide(
    "apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"
)
POLICIES: Final = (
    # Bindings before policies: a binding without its policy would refuse everything it matches.
    _cluster_wide(
        _ADMISSION, "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding"
    ),
    _cluster_wide(_ADMISSION, "validatingadmissionpolicies", "ValidatingAdmissionPolicy"),
    _cluster_wide(_ADMISSION, "mutatingadmissionpolicybindings", "MutatingAdmissionPolicyBinding"),
    _cluster_wide(_ADMISSION, "mutatingadmissionpolicies", "MutatingAdmissionPolicy"),
)
ROLES: Final = (
    _cluster_wide(_RBAC, "clusterrolebindings", "ClusterRoleBinding"),
    _cluster_wide(_RBAC, "clusterroles", "ClusterRole"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="really do it")
    parser.add_argument(
        "--wait",
        type=float,
        default=300.0,
        metavar="SECONDS",
        dest="wait_s",
        help="how long the operator may take to restore everything (default: 300)",
    )
    parser.add_argument(
        "--without-operator",
        action="store_true",
        help="do not wait for the operator: routes and canaries stay as they are, for you to undo",
    )
    add_cluster_options(parser, namespaced=False)


def run(options: argparse.Namespace) -> int:
    if not options.yes:
        raise CommandError("this removes Blastdoor from the cluster; say --yes", Exit.USAGE)
    return with_cluster(options, lambda cluster: uninstall(cluster, options))


async def uninstall(cluster: Cluster, options: argparse.Namespace) -> int:
    """All of it; CommandError when Rollouts remain, with every guard still in place."""
    await _give_back(cluster, options)
    for resource in POLICIES:
        await _remove_ours(cluster, resource)
    await _unlabel(cluster)
    await _gone(cluster, NAMESPACES, OPERATOR_NAMESPACE)
    for kind in KINDS:
        await _gone(cluster, _CRDS, f"{kind.plural}.{GROUP}")
    for resource in ROLES:
        await _remove_ours(cluster, resource)
    print("Blastdoor is removed; what serves was not changed.")
    return Exit.OK


async def _give_back(cluster: Cluster, options: argparse.Namespace) -> None:
    """Delete every Rollout and wait until the operator has let each of them go."""
    left = await _rollouts(cluster)
    for rollout in left:
        await _gone(cluster, ROLLOUTS, rollout.name, rollout.namespace)
        if options.without_operator:
            await _let_go(cluster, rollout)
    loop = asyncio.get_running_loop()
    until = loop.time() + options.wait_s
    while left:
        if loop.time() >= until:
            raise CommandError(_unfinished(left, options.wait_s))
        await asyncio.sleep(POLL_S)
        left = await _rollouts(cluster)


async def _rollouts(cluster: Cluster) -> Sequence[Object]:
    try:
        good, bad = await every(cluster, ROLLOUTS)
    except NotFound:
        return ()
    return [*good, *(Object(metadata=one.metadata) for one in bad)]


def _unfinished(left: Sequence[Object], waited_s: float) -> str:
    names = ", ".join(str(rollout.key) for rollout in left)
    return (
        f"after {waited_s:g}s these Rollouts are not restored: {names}; the policies stay."
        " See `blastdoor status` for what they wait for, and whether the operator runs; with"
        " --without-operator they are let go as they are"
    )


async def _let_go(cluster: Cluster, rollout: Object) -> None:
    """Take our finalizer off one Rollout: nothing of its traffic or canary is undone."""
    if FINALIZER not in rollout.metadata.finalizers:
        return
    place = rollout.metadata.finalizers.index(FINALIZER)
    path = f"/metadata/finalizers/{place}"
    patch: list[dict[str, Any]] = [
        {"op": "test", "path": path, "value": FINALIZER},
        {"op": "remove", "path": path},
    ]
    try:
        await cluster.patch_json(ROLLOUTS, rollout.namespace, rollout.name, patch)
    except NotFound:
        return
    print(f"rollout {rollout.key} let go without being restored")


async def _unlabel(cluster: Cluster) -> None:
    """Our label off what still carries it; a pause that is left is the owner's to end.

    An API server obeys a deleted policy for some seconds: until then the hold puts the label back
    and the lock refuses, so it is asked again.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + POLICY_ECHO_S
    told: set[str] = set()
    while True:
        left = await _labelled(cluster)
        for resource, one in left:
            await _drop_label(cluster, resource, one, told)
        if not left:
            return
        if loop.time() >= until:
            names = ", ".join(sorted(told))
            raise CommandError(f"the label {ROLLOUT_LABEL} comes back on {names}; run this again")
        await asyncio.sleep(POLL_S)


async def _drop_label(
    cluster: Cluster, resource: Resource[Any], one: Object | Malformed, told: set[str]
) -> None:
    metadata = one.metadata
    path = "/metadata/labels/" + ROLLOUT_LABEL.replace("/", "~1")
    patch = [{"op": "remove", "path": path}]
    with contextlib.suppress(NotFound, Invalid, Forbidden):
        await cluster.patch_json(resource, metadata.namespace, metadata.name, patch)
    what = f"{resource.kind.lower()} {metadata.namespace}/{metadata.name}"
    if what in told:
        return
    told.add(what)
    print(f"{what} is nobody's any more")
    if isinstance(one, Deployment) and one.spec.paused:
        print(f"{what} is still paused: kubectl rollout resume lets its template run")


async def _labelled(cluster: Cluster) -> list[tuple[Resource[Any], Object | Malformed]]:
    """What carries our label outside our own namespace."""
    found: list[tuple[Resource[Any], Object | Malformed]] = []
    kinds: tuple[Resource[Any], ...] = (DEPLOYMENTS, REPLICASETS)
    for resource in kinds:
        page = ""
        while True:
            answer = await cluster.list_page(resource, label_selector=ROLLOUT_LABEL, page=page)
            found += [(resource, item) for item in answer.items]
            page = answer.next_page
            if not page:
                break
    return [(kind, one) for kind, one in found if one.metadata.namespace != OPERATOR_NAMESPACE]


async def _remove_ours(cluster: Cluster, resource: Resource[Object]) -> None:
    """Delete everything of one kind that our manifests made."""
    try:
        page = await cluster.list_page(resource, label_selector=_OURS)
    except NotFound:
        return
    for item in page.items:
        await _gone(cluster, resource, item.metadata.name)


async def _gone(cluster: Cluster, resource: Resource[Any], name: str, namespace: str = "") -> None:
    try:
        await cluster.delete(resource, namespace, name)
    except NotFound:
        return
    where = f"{namespace}/{name}" if namespace else name
    print(f"{resource.kind.lower()} {where} deleted")
