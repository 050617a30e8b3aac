"""From Services and EndpointSlices to where requests go."""

from controller.api.k8s import (
    BackendRef,
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    HTTPRoute,
    Service,
    ServicePort,
    ServiceSpec,
)
from controller.api.meta import ObjectMeta
from controller.local.envoy_config import Backend
from controller.local.envoy_routes import Problem
from controller.local.gateway_backends import SERVICE_NAME_LABEL, clusters, resolve

HTTP = ServicePort(name="http", port=80, target_port="http")
ADMIN = ServicePort(name="admin", port=81, target_port=9090)
SERVICE = Service(
    metadata=ObjectMeta(name="checkout", namespace="shop"), spec=ServiceSpec(ports=(HTTP, ADMIN))
)
ROUTE = HTTPRoute(metadata=ObjectMeta(name="shop", namespace="shop"))


def endpoint(host: int, *, ready: bool | None, terminating: bool = False) -> Endpoint:
    conditions = EndpointConditions(ready=ready, serving=True, terminating=terminating)
    return Endpoint(addresses=(f"10.64.0.{host}",), conditions=conditions)


def slice_of(*endpoints: Endpoint, namespace: str = "shop") -> EndpointSlice:
    labels = {SERVICE_NAME_LABEL: "checkout"}
    return EndpointSlice(
        metadata=ObjectMeta(name="checkout-x", namespace=namespace, labels=labels),
        endpoints=endpoints,
        ports=(EndpointPort(name="http", port=8080),),
    )


def backends(*slices: EndpointSlice) -> tuple[Backend, ...]:
    return clusters([SERVICE], slices)["shop/checkout"]


def test_requests_go_to_ready_pods_at_their_loopback_addresses() -> None:
    one = slice_of(endpoint(2, ready=True), endpoint(3, ready=False), endpoint(4, ready=None))
    assert backends(one) == (Backend("127.64.0.2", 8080), Backend("127.64.0.4", 8080))


def test_a_terminating_pod_gets_requests_only_while_no_other_is_ready() -> None:
    leaving = endpoint(2, ready=False, terminating=True)
    assert backends(slice_of(leaving, endpoint(3, ready=True))) == (Backend("127.64.0.3", 8080),)
    assert backends(slice_of(leaving)) == (Backend("127.64.0.2", 8080),)


def test_several_slices_are_one_and_those_of_another_namespace_are_not_ours() -> None:
    near, far = slice_of(endpoint(2, ready=True)), slice_of(endpoint(3, ready=True))
    other = slice_of(endpoint(4, ready=True), namespace="other")
    assert len(backends(near, far, other)) == 2


def test_every_port_of_every_service_is_a_cluster_even_with_no_pod() -> None:
    assert clusters([SERVICE], []) == {"shop/checkout": (), "shop/checkout:81": ()}


def test_a_backend_resolves_to_the_cluster_of_its_port() -> None:
    services = {SERVICE.key: SERVICE}
    assert resolve(services, ROUTE, BackendRef(name="checkout", port=80)) == "shop/checkout"
    assert resolve(services, ROUTE, BackendRef(name="checkout", port=81)) == "shop/checkout:81"
    assert resolve(services, ROUTE, BackendRef(name="checkout")) == "shop/checkout"


def test_a_backend_that_cannot_be_resolved_has_the_reason_of_the_gateway_api() -> None:
    def reason(ref: BackendRef) -> str:
        answer = resolve({SERVICE.key: SERVICE}, ROUTE, ref)
        assert isinstance(answer, Problem)
        return answer.reason

    assert reason(BackendRef(name="absent", port=80)) == "BackendNotFound"
    assert reason(BackendRef(name="checkout", port=82)) == "BackendNotFound"
    assert reason(BackendRef(name="checkout", kind="Bucket")) == "InvalidKind"
    assert reason(BackendRef(name="checkout", namespace="other", port=80)) == "RefNotPermitted"
