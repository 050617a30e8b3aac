"""What has a name that the canary needs and is not ours is a Block that says what to do."""

from __future__ import annotations

import dataclasses

from controller.api.k8s import NetworkPolicy
from controller.core.observed import Block
from controller.core.reasons import Reason
from controller.runtime.objects import Objects, RouteObject
from controller.runtime.strangers import strange_backends, strangers
from controller.workloads.arms import routed
from tests.unit.controller.runtime.test_objects import nothing_cached
from tests.unit.controller.workloads.objects import a_deployment, read

ARM = routed("checkout", "uid-1", ("app", "checkout-canary"))


def policy(name: str, app: str, **labels: str) -> NetworkPolicy:
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    return read({"metadata": metadata, "spec": {"podSelector": {"matchLabels": {"app": app}}}},
                NetworkPolicy)  # fmt: skip


def seen(*policies: NetworkPolicy, strange: tuple[str, ...] = ()) -> Objects:
    return dataclasses.replace(
        nothing_cached(), deployment=a_deployment(), policies=policies, strangers=strange
    )


def test_each_stranger_is_named_and_the_text_says_what_to_do() -> None:
    titles = ("Deployment checkout-canary", "Service checkout-canary")
    found = strangers(seen(strange=titles), ARM)
    assert {b.reason for b in found} == {Reason.CANARY_NAME_TAKEN}
    for block, title in zip(found, titles, strict=True):
        assert block.message.startswith(title)
        assert block.message.endswith("rename or delete it")


def test_a_policy_is_a_stranger_only_where_a_copy_would_be_written() -> None:
    standing, mine = policy("checkout-canary", "db"), policy("checkout", "checkout")
    (block,) = strangers(seen(mine, standing), ARM)
    assert block.message.startswith("NetworkPolicy checkout-canary ")
    assert strangers(seen(policy("checkout", "db"), standing), ARM) == ()
    assert strangers(seen(mine, standing), Block(Reason.UNPINNED_SERVICE, "")) == ()


def test_a_route_that_sends_to_the_canarys_name_is_told_with_its_service() -> None:
    route = RouteObject("HTTPRoute", "shop", None, None)
    (block,) = strange_backends(nothing_cached(), route)
    assert block.message.startswith("HTTPRoute shop sends to checkout-canary")
