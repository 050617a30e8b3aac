"""The canary's objects: set apart by one label, owned by nobody, otherwise as the apex."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import Deployment, Service
from controller.api.problems import Problem
from controller.workloads import arms, canary
from controller.workloads.selectors import selects, service_selects
from controller.workloads.template import digest
from tests.unit.controller.workloads.objects import a_deployment, deployment, raw, read, template

V2 = template("shop:v2", tier="web")
ARM = arms.routed("checkout", "chg-1", ("app", "checkout-canary"))
ROLE = "blastdoor.dev/role"


def service(name: str = "checkout", labels: dict[str, str] | None = None, **spec: Any) -> Service:
    spec = {"selector": {"app": "checkout"}, "ports": [{"name": "http", "port": 80}], **spec}
    metadata = {"name": name, "namespace": "shop", "labels": labels or {}}
    return read({"metadata": metadata, "spec": spec}, Service)


HELM = {"app.kubernetes.io/name": "checkout", "app.kubernetes.io/instance": "prod"}


def helm() -> Deployment:
    pods = template()
    pods["metadata"]["labels"] = HELM
    return a_deployment(pods, selector={"matchLabels": HELM})


@pytest.mark.parametrize(
    ("of", "services", "overrides", "expected"),
    [
        pytest.param(a_deployment(), [service()], {}, ("app", "checkout-canary"), id="one key"),
        pytest.param(
            helm(), [service(selector=HELM)], {},
            ("app.kubernetes.io/instance", "prod-canary"), id="the instance before the name",
        ),
        pytest.param(
            helm(), [service(selector={"app.kubernetes.io/name": "checkout"})], {},
            ("app.kubernetes.io/name", "checkout-canary"), id="the key that the Service uses",
        ),
        pytest.param(
            a_deployment(), [service(), service("other", selector={"app": "cart"})], {},
            ("app", "checkout-canary"), id="a Service of other pods does not matter",
        ),
        pytest.param(
            a_deployment(), [service(), service("none", selector={})], {},
            ("app", "checkout-canary"), id="a Service without selector does not matter",
        ),
        pytest.param(
            a_deployment(), [service()], {"app": "blue"}, ("app", "blue"), id="override",
        ),
        pytest.param(
            a_deployment(), [service()], {"track": "canary"}, ("app", "checkout-canary"),
            id="an override that splits nothing is only added",
        ),
        pytest.param(
            a_deployment(template(tier="web")), [service(), service("t", selector={"tier": "web"})],
            {"app": "blue", "tier": "none"}, ("app", "blue"), id="overrides that split together",
        ),
        pytest.param(
            a_deployment(),
            [service(), service("checkout-canary", {ROLE: "canary"},
                                selector={"app": "checkout-canary"})],
            {}, ("app", "checkout-canary"), id="our own canary Service is in nobody's way",
        ),
    ],
)  # fmt: skip
def test_the_arms_are_split_by(of: Any, services: Any, overrides: Any, expected: Any) -> None:
    assert arms.split_label(of, services, overrides) == expected


@pytest.mark.parametrize(
    ("of", "services", "overrides", "said"),
    [
        pytest.param(
            a_deployment(template(tier="web")), [service("t", selector={"tier": "web"})], {},
            "Deployment checkout by app; Service t by tier", id="no common key",
        ),
        pytest.param(
            a_deployment(), [service(), service("x", selector={"app": "checkout-canary"})], {},
            "but Service x would", id="the value is taken",
        ),
        pytest.param(
            a_deployment(selector={"matchExpressions": [{"key": "app", "operator": "Exists"}]}),
            [service()], {"app": "blue"}, "by app", id="the Deployment still selects it",
        ),
    ],
)  # fmt: skip
def test_arms_that_cannot_be_split_are_a_problem(
    of: Any, services: Any, overrides: Any, said: str
) -> None:
    problem = arms.split_label(of, services, overrides)
    assert isinstance(problem, Problem)
    assert problem.path == "spec.canary.labels"
    assert said in str(problem)


@given(
    st.fixed_dictionaries(
        {"app": st.just("checkout")}, optional={"tier": st.just("web"), "zone": st.just("a")}
    ),
    st.lists(st.sets(st.sampled_from(["app", "tier", "zone"]), min_size=1), max_size=4),
)
def test_nothing_that_selects_stable_pods_selects_the_canarys(
    labels: dict[str, str], keys: list[set[str]]
) -> None:
    pods = template(**{k: v for k, v in labels.items() if k != "app"})
    of = a_deployment(pods)
    values = {"app": "checkout", "tier": "web", "zone": "a"}
    services = [
        service(f"s{n}", selector={k: values[k] for k in used}) for n, used in enumerate(keys)
    ]
    split = arms.split_label(of, services, {})
    if isinstance(split, Problem):
        return
    mine = arms.pod_labels(of.spec.template, arms.routed("checkout", "c", split))
    assert not any(service_selects(s, mine) for s in services)
    assert not selects(of.spec.selector, mine)


def test_a_canary_deployment_selects_its_own_pods_only_and_has_no_owner() -> None:
    body = canary.canary_deployment(a_deployment(), ARM, raw(V2), 2, 600)
    assert "ownerReferences" not in body["metadata"]
    assert body["metadata"]["labels"] == {
        "blastdoor.dev/rollout": "checkout", ROLE: "canary", "blastdoor.dev/change": "chg-1",
    }  # fmt: skip
    pods = body["spec"]["template"]["metadata"]["labels"]
    assert pods == {"app": "checkout-canary", "tier": "web", ROLE: "canary"}
    assert body["spec"]["selector"]["matchLabels"] == {"app": "checkout-canary", ROLE: "canary"}
    assert body["spec"]["replicas"] == 2
    assert body["spec"]["progressDeadlineSeconds"] == 600


def test_without_a_route_the_canary_carries_the_apexs_labels() -> None:
    arm = arms.by_pods("checkout", "chg-1")
    labels = arms.pod_labels(raw(V2), arm)
    assert service_selects(service(), labels)
    selector = canary.canary_deployment(a_deployment(), arm, raw(V2), 1, 600)["spec"]["selector"]
    assert selector["matchLabels"] == {"app": "checkout", ROLE: "canary"}


def test_a_canary_says_which_proposal_it_runs_and_whether_it_is_intact() -> None:
    of = a_deployment()
    body = canary.canary_deployment(of, ARM, raw(V2), 1, 600)
    applied = read(body, Deployment)
    assert canary.proposal_digest(applied) == digest(raw(V2))
    assert canary.intact(applied, of, ARM, raw(V2))
    assert not canary.intact(applied, of, ARM, raw(template("shop:v3")))
    paused = {**body, "spec": {**body["spec"], "paused": True}}
    assert not canary.intact(read(paused, Deployment), of, ARM, raw(V2))


def test_of_a_repeated_variable_the_last_counts() -> None:
    pods = template()
    pods["spec"]["containers"][0]["env"] = [
        {"name": "A", "value": "1"}, {"name": "B", "value": "2"}, {"name": "A", "value": "3"},
    ]  # fmt: skip
    env = canary.canary_template(raw(pods), ARM)["spec"]["containers"][0]["env"]
    assert env == [{"name": "B", "value": "2"}, {"name": "A", "value": "3"}]


def test_the_strategy_of_the_deployment_is_kept() -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}
    of = read(deployment(strategy=strategy), Deployment)
    assert canary.canary_deployment(of, ARM, raw(V2), 1, 600)["spec"]["strategy"] == strategy


@pytest.mark.parametrize(
    ("given_spec", "expected"),
    [
        pytest.param({"type": "NodePort"}, None, id="a NodePort becomes internal"),
        pytest.param({"clusterIP": "10.0.0.9"}, None, id="an address is not copied"),
        pytest.param({"clusterIP": "None"}, "None", id="headless stays headless"),
    ],
)
def test_a_canary_service_is_inside_the_cluster(given_spec: Any, expected: str | None) -> None:
    port = {"name": "http", "port": 80, "targetPort": "web", "appProtocol": "kubernetes.io/h2c"}
    body = canary.canary_service(service(ports=[port], **given_spec), ARM)
    assert body["metadata"]["name"] == "checkout-canary"
    assert "ownerReferences" not in body["metadata"]
    assert body["spec"]["type"] == "ClusterIP"
    assert body["spec"].get("clusterIP") == expected
    assert body["spec"]["ports"] == [{**port, "protocol": "TCP"}]
    assert body["spec"]["selector"] == {"app": "checkout-canary", ROLE: "canary"}


@given(st.text("abc-", min_size=1, max_size=80))
def test_a_canarys_name_fits_and_is_never_the_apexs(name: str) -> None:
    assert len(arms.canary_name(name)) <= 63 or len(name) + 7 <= 63
    assert arms.canary_name(name) != name


def applied_service(apex: Service, **spec: Any) -> Service:
    """The canary's Service as the server keeps it, and what somebody made of it."""
    body = canary.canary_service(apex, ARM)
    ports = [{"targetPort": port["port"], **port} for port in body["spec"]["ports"]]
    return read({**body, "spec": {**body["spec"], "ports": ports, **spec}}, Service)


HTTP = {"name": "http", "port": 80, "targetPort": 80}


@pytest.mark.parametrize(
    ("edit", "intact"),
    [
        pytest.param({}, True, id="as it was applied"),
        pytest.param({"ports": [HTTP, {"name": "debug", "port": 81}]}, True, id="a port was added"),
        pytest.param({"selector": {"app": "typo"}}, False, id="selects something else"),
        pytest.param({"selector": {"app": "checkout-canary"}}, False, id="selects more"),
        pytest.param({"ports": []}, False, id="no port"),
        pytest.param({"ports": [{**HTTP, "targetPort": 9}]}, False, id="another target"),
        pytest.param({"ports": [{**HTTP, "protocol": "UDP"}]}, False, id="another protocol"),
    ],
)
def test_a_canarys_service_is_intact_as_long_as_it_does_what_it_is_for(
    edit: dict[str, Any], intact: bool
) -> None:
    assert canary.service_intact(applied_service(service(), **edit), service(), ARM, raw(V2)) is (
        intact
    )


def test_a_canarys_service_follows_the_ports_of_its_apex() -> None:
    before = applied_service(service())
    moved = service(ports=[{**HTTP, "port": 8080}])
    assert not canary.service_intact(before, moved, ARM, raw(V2))


def test_a_canarys_service_is_left_alone_where_mending_it_would_lose_its_pods() -> None:
    narrower = service(selector={"app": "checkout", "version": "v1"})
    assert canary.service_intact(applied_service(service()), narrower, ARM, raw(V2))
