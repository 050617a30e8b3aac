"""What is open for stable pods is open for the canary's, and who else selects them is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controller.api.k8s import NetworkPolicy
from controller.api.meta import LabelSelector
from controller.workloads.arms import by_pods, routed
from controller.workloads.network import (
    canary_network_policies,
    pod_selectors,
    selects_old_value,
    taken_names,
)
from controller.workloads.selectors import selects
from tests.unit.controller.workloads.objects import a_deployment, read

ARM = routed("checkout", "chg-1", ("app", "checkout-canary"))
OLD, NEW = {"app": "checkout"}, {"app": "checkout-canary", "blastdoor.dev/role": "canary"}
MINE: dict[str, Any] = {"matchLabels": {"app": "checkout"}}
DB: dict[str, Any] = {"matchLabels": {"app": "db"}}


def policy(name: str = "p", labels: dict[str, str] | None = None, **spec: Any) -> NetworkPolicy:
    metadata = {"name": name, "namespace": "shop", "labels": labels or {}}
    return read({"metadata": metadata, "spec": spec}, NetworkPolicy)


def copied(*policies: NetworkPolicy) -> list[dict[str, Any]]:
    return canary_network_policies(policies, a_deployment(), ARM)


def both(selector: dict[str, Any]) -> bool:
    parsed = msgspec.convert(selector, LabelSelector)
    return selects(parsed, OLD) and selects(parsed, NEW)


def test_a_policy_of_the_stable_pods_is_copied_for_both_arms() -> None:
    (copy,) = copied(policy(podSelector=MINE, policyTypes=["Ingress"], ingress=[{}]))
    assert copy["metadata"]["name"] == "p-checkout-canary"
    assert copy["metadata"]["labels"]["blastdoor.dev/role"] == "canary"
    assert both(copy["spec"]["podSelector"])
    assert copy["spec"]["policyTypes"] == ["Ingress"]
    assert copy["spec"]["ingress"] == [{}]


def test_two_rollouts_that_need_a_copy_of_one_policy_write_two() -> None:
    door = policy(podSelector=DB, ingress=[{"from": [{"podSelector": MINE}]}])
    other = routed("pay", "chg-2", ("app", "pay-canary"))
    bodies = [canary_network_policies([door], a_deployment(), arm) for arm in (ARM, other)]
    assert [b["metadata"]["name"] for (b,) in bodies] == ["p-checkout-canary", "p-pay-canary"]


def test_a_policy_of_the_rollouts_own_name_is_copied_under_the_canarys_name() -> None:
    (copy,) = copied(policy("checkout", podSelector=MINE))
    assert copy["metadata"]["name"] == "checkout-canary"


@pytest.mark.parametrize(
    ("labels", "taken"),
    [
        ({}, ("checkout-canary",)),
        ({**ARM.labels, "blastdoor.dev/rollout": "pay"}, ("checkout-canary",)),
        (ARM.labels, ()),
    ],
    ids=["the owner's", "of another Rollout", "ours"],
)
def test_a_policy_that_stands_where_a_copy_would_be_written_is_named(
    labels: dict[str, str], taken: tuple[str, ...]
) -> None:
    standing = policy("checkout-canary", labels, podSelector=DB)
    mine = policy("checkout", podSelector=MINE)
    assert taken_names([mine, standing], a_deployment(), ARM) == taken
    assert taken_names([policy("checkout", podSelector=DB), standing], a_deployment(), ARM) == ()


def test_a_door_that_lets_stable_in_lets_the_canary_in() -> None:
    ports = [{"port": 5432}]
    rule = {"from": [{"podSelector": MINE}, {"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": ports}
    (copy,) = copied(policy(podSelector=DB, ingress=[rule]))
    (widened,) = copy["spec"]["ingress"]
    assert copy["spec"]["podSelector"] == DB
    assert both(widened["from"][0]["podSelector"])
    assert widened["from"][1] == {"ipBlock": {"cidr": "10.0.0.0/8"}}
    assert widened["ports"] == ports


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({"podSelector": {}}, id="all pods"),
        pytest.param({"podSelector": DB, "egress": [{"to": [{"podSelector": DB}]}]}, id="others"),
        pytest.param(
            {"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}},
            id="both arms already",
        ),
    ],
)
def test_a_policy_that_does_not_tell_the_arms_apart_is_not_copied(spec: dict[str, Any]) -> None:
    assert copied(policy(**spec)) == []


def test_our_own_copies_are_not_copied() -> None:
    assert copied(policy(labels={"blastdoor.dev/role": "canary"}, podSelector=MINE)) == []


def test_without_a_route_no_policy_is_copied() -> None:
    policies = [policy(podSelector=MINE)]
    assert canary_network_policies(policies, a_deployment(), by_pods("checkout", "c")) == []


def test_a_selector_by_in_is_widened_too() -> None:
    expression = {"key": "app", "operator": "In", "values": ["checkout", "cart"]}
    (copy,) = copied(policy(podSelector={"matchExpressions": [expression]}))
    assert both(copy["spec"]["podSelector"])


def test_those_that_select_the_old_value_are_named() -> None:
    policies = [
        policy("a", podSelector=MINE),
        policy("b", podSelector={}),
        policy("c", podSelector=DB),
    ]
    assert selects_old_value(pod_selectors(policies), OLD, NEW) == ("NetworkPolicy a",)
