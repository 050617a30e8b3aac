"""Narrow structs of the Kubernetes objects that we read: only the fields that a decision needs.

The pod template stays raw bytes: it is compared and hashed, seldom looked into (a Deployment
decodes in 6 us this way). `Raw.copy()` lets go of the response that it was cut from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from controller.api.meta import LabelSelector, Object, RawJson, Struct

EMPTY = RawJson(b"{}")


class DeploymentSpec(Struct, frozen=True):
    replicas: int = 1
    paused: bool = False
    selector: LabelSelector = LabelSelector()
    template: RawJson = EMPTY
    strategy: dict[str, Any] = msgspec.field(default_factory=dict)
    progress_deadline_seconds: int = 600
    min_ready_seconds: int = 0
    revision_history_limit: int = 10

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "template", self.template.copy())


class WorkloadCondition(Struct, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_update_time: datetime | None = None
    last_transition_time: datetime | None = None


class DeploymentStatus(Struct, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    updated_replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    unavailable_replicas: int = 0
    conditions: tuple[WorkloadCondition, ...] = ()


class Deployment(Object, frozen=True):
    spec: DeploymentSpec = DeploymentSpec()
    status: DeploymentStatus = DeploymentStatus()


class ReplicaSetSpec(Struct, frozen=True):
    replicas: int = 1
    min_ready_seconds: int = 0
    selector: LabelSelector = LabelSelector()
    template: RawJson = EMPTY

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "template", self.template.copy())


class ReplicaSetStatus(Struct, frozen=True):
    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0


class ReplicaSet(Object, frozen=True):
    spec: ReplicaSetSpec = ReplicaSetSpec()
    status: ReplicaSetStatus = ReplicaSetStatus()


class ControllerRevision(Object, frozen=True):
    """Keeps a template that was stable, so that it can be recreated when its ReplicaSet is lost."""

    data: RawJson = EMPTY
    revision: int = 0

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "data", self.data.copy())


class ServicePort(Struct, frozen=True):
    name: str = ""
    port: int = 0
    target_port: int | str = 0
    protocol: str = "TCP"
    app_protocol: str = ""


class ServiceSpec(Struct, frozen=True):
    selector: dict[str, str] = msgspec.field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    type: str = "ClusterIP"


class Service(Object, frozen=True):
    spec: ServiceSpec = ServiceSpec()


class EndpointConditions(Struct, frozen=True):
    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Struct, frozen=True):
    kind: str = ""
    name: str = ""
    uid: str = ""


class Endpoint(Struct, frozen=True):
    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None


class EndpointPort(Struct, frozen=True):
    name: str = ""
    port: int = 0
    protocol: str = "TCP"


class EndpointSlice(Object, frozen=True):
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[EndpointPort, ...] = ()
    address_type: str = "IPv4"


class BackendRef(Struct, frozen=True):
    """One backend of a route rule. `filters` stay raw: they are copied, never read."""

    name: str = ""
    namespace: str = ""
    group: str = ""
    kind: str = "Service"
    port: int = 0
    weight: int = 1
    filters: tuple[dict[str, Any], ...] = ()


class RouteRule(Struct, frozen=True):
    name: str = ""
    backend_refs: tuple[BackendRef, ...] = ()
    matches: tuple[dict[str, Any], ...] = ()
    filters: tuple[dict[str, Any], ...] = ()


class HTTPRouteSpec(Struct, frozen=True):
    hostnames: tuple[str, ...] = ()
    parent_refs: tuple[dict[str, Any], ...] = ()
    rules: tuple[RouteRule, ...] = ()


class RouteCondition(Struct, frozen=True):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    observed_generation: int = 0
    last_transition_time: datetime | None = None


class RouteParentStatus(Struct, frozen=True):
    parent_ref: dict[str, Any] = msgspec.field(default_factory=dict)
    controller_name: str = ""
    conditions: tuple[RouteCondition, ...] = ()


class HTTPRouteStatus(Struct, frozen=True):
    parents: tuple[RouteParentStatus, ...] = ()


class HTTPRoute(Object, frozen=True):
    spec: HTTPRouteSpec = HTTPRouteSpec()
    status: HTTPRouteStatus = HTTPRouteStatus()


class ScaleTarget(Struct, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""


class HorizontalPodAutoscalerSpec(Struct, frozen=True):
    scale_target_ref: ScaleTarget = ScaleTarget()
    min_replicas: int = 1
    max_replicas: int = 1


class HorizontalPodAutoscaler(Object, frozen=True):
    spec: HorizontalPodAutoscalerSpec = HorizontalPodAutoscalerSpec()


class NetworkPolicySpec(Struct, frozen=True):
    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] = ()
    ingress: tuple[dict[str, Any], ...] = ()
    egress: tuple[dict[str, Any], ...] = ()


class NetworkPolicy(Object, frozen=True):
    spec: NetworkPolicySpec = NetworkPolicySpec()


class Node(Object, frozen=True):
    """Only that it exists matters: the local node agent makes its own."""


class Namespace(Object, frozen=True):
    """Only its metadata matters: a terminating namespace lets everything go."""


class ContainerStatus(Struct, frozen=True):
    name: str = ""
    ready: bool = False
    restart_count: int = 0
    state: dict[str, Any] = msgspec.field(default_factory=dict)
    last_state: dict[str, Any] = msgspec.field(default_factory=dict)


class PodStatus(Struct, frozen=True):
    phase: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    start_time: datetime | None = None
    conditions: tuple[WorkloadCondition, ...] = ()
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class EnvVar(Struct, frozen=True):
    name: str = ""
    value: str = ""


class ContainerPort(Struct, frozen=True):
    name: str = ""
    container_port: int = 0


class Container(Struct, frozen=True):
    name: str = ""
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    ports: tuple[ContainerPort, ...] = ()
    readiness_probe: dict[str, Any] | None = None


class PodSpec(Struct, frozen=True):
    node_name: str = ""
    containers: tuple[Container, ...] = ()
    termination_grace_period_seconds: int = 30
    service_account_name: str = ""


class Pod(Object, frozen=True):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class LeaseSpec(Struct, frozen=True):
    holder_identity: str = ""
    lease_duration_seconds: int = 15
    acquire_time: str = ""
    renew_time: str = ""
    lease_transitions: int = 0


class Lease(Object, frozen=True):
    spec: LeaseSpec = LeaseSpec()


class ConfigMap(Object, frozen=True):
    data: dict[str, str] = msgspec.field(default_factory=dict)


class Event(Object, frozen=True):
    """core/v1 Event, as `kubectl describe` shows it."""

    reason: str = ""
    message: str = ""
    type: str = "Normal"
    count: int = 0
    involved_object: dict[str, Any] = msgspec.field(default_factory=dict)
