"""The table of resources that we read or write: group, version, plural, scope, struct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from controller.api import k8s, kinds, names
from controller.api.meta import Object

T = TypeVar("T", bound=Object)


@dataclass(frozen=True)
class Resource(Generic[T]):
    """Where objects of one kind live on an API server, and the struct that they decode to."""

    group: str
    version: str
    plural: str
    kind: str
    type: type[T]
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """URL path of a collection, an object or a subresource."""
        root = f"/apis/{self.group}" if self.group else "/api"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}/{self.version}{scope}/{self.plural}{tail}"

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", k8s.Deployment)
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet", k8s.ReplicaSet)
CONTROLLER_REVISIONS = Resource(
    "apps", "v1", "controllerrevisions", "ControllerRevision", k8s.ControllerRevision
)
PODS = Resource("", "v1", "pods", "Pod", k8s.Pod)
SERVICES = Resource("", "v1", "services", "Service", k8s.Service)
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap", k8s.ConfigMap)
EVENTS = Resource("", "v1", "events", "Event", k8s.Event)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", k8s.Namespace, namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", k8s.Node, namespaced=False)
ENDPOINT_SLICES = Resource(
    "discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", k8s.EndpointSlice
)
HTTP_ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", k8s.HTTPRoute)
AUTOSCALERS = Resource(
    "autoscaling",
    "v2",
    "horizontalpodautoscalers",
    "HorizontalPodAutoscaler",
    k8s.HorizontalPodAutoscaler,
)
NETWORK_POLICIES = Resource(
    "networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", k8s.NetworkPolicy
)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease", k8s.Lease)

ROLLOUTS = Resource(names.GROUP, names.VERSION, "rollouts", "Rollout", kinds.Rollout)
ANALYSIS_TEMPLATES = Resource(
    names.GROUP, names.VERSION, "analysistemplates", "AnalysisTemplate", kinds.AnalysisTemplate
)
CHANGES = Resource(names.GROUP, names.VERSION, "changes", "Change", kinds.Change)
SIGNOFFS = Resource(names.GROUP, names.VERSION, "signoffs", "Signoff", kinds.Signoff)
