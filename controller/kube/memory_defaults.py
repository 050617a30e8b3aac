"""What the API server fills in: defaults of the kinds that we read, as far as we compare them.

Pure: takes a body, gives a new one. The aim is that a template of a Deployment and the same one
in a ReplicaSet are equal, and that a repeated apply of a short manifest changes nothing. Values are
those of Kubernetes 1.37 and of the Gateway API's CRDs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from controller.api.resources import Resource
from controller.kube import memory_schema as schema
from controller.kube.memory_patch import copy_json, without_nulls

Body = dict[str, Any]

_POD_SPEC: Final[Body] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER: Final[Body] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE: Final[Body] = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_MAPS: Final = frozenset({"nodeSelector", "overhead"})
"""Members of a pod's spec that vanish when they are empty."""
_VOLUME_MODE: Final = 0o644
_MODED_VOLUMES: Final = ("configMap", "secret", "downwardAPI", "projected")
_DEPLOYMENT: Final[Body] = {
    "replicas": 1,
    "revisionHistoryLimit": 10,
    "progressDeadlineSeconds": 600,
}
_EMPTY_LEFT_OUT: Final = ("", 0, False)
"""Values that a typed field with `omitempty` does not send."""


def with_defaults(resource: Resource[Any], body: Body) -> Body:
    """The body as the server stores it."""
    filled: Body = without_nulls(body) if schema.is_builtin(resource) else copy_json(body)
    if rule := _RULES.get(resource.plural):
        rule(filled)
    return filled


def _fill(target: Body, defaults: Body) -> None:
    for key, value in defaults.items():
        if key not in target:
            target[key] = copy_json(value)


def _deployment(body: Body) -> None:
    spec = body.setdefault("spec", {})
    _fill(spec, _DEPLOYMENT)
    for key in ("paused", "minReadySeconds"):
        if spec.get(key) in _EMPTY_LEFT_OUT:
            spec.pop(key, None)
    strategy = spec.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        _fill(rolling, {"maxSurge": "25%", "maxUnavailable": "25%"})
    _template(spec.setdefault("template", {}))


def _replica_set(body: Body) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    if not spec.get("minReadySeconds", 1):
        del spec["minReadySeconds"]
    _template(spec.setdefault("template", {}))


def _template(template: Body) -> None:
    metadata = template.setdefault("metadata", {})
    for key in ("labels", "annotations"):
        if metadata.get(key) == {}:
            del metadata[key]
    _pod_spec(template.setdefault("spec", {}))


def _pod(body: Body) -> None:
    spec = body.setdefault("spec", {})
    _pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    status = body.setdefault("status", {})
    status.setdefault("phase", "Pending")


def _pod_spec(spec: Body) -> None:
    _fill(spec, _POD_SPEC)
    for empty in [
        key for key, value in spec.items() if value == [] or (key in _MAPS and not value)
    ]:
        del spec[empty]
    for container in (*spec.get("containers", ()), *spec.get("initContainers", ())):
        _container(container)
    for volume in spec.get("volumes", ()):
        _volume(volume)


def _container(container: Body) -> None:
    for empty in [key for key, value in container.items() if value == []]:
        del container[empty]
    _fill(container, _CONTAINER)
    container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
    for port in container.get("ports", ()):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", ()):
        if variable.get("value") == "":
            del variable["value"]
        field = variable.get("valueFrom", {}).get("fieldRef")
        if field is not None:
            field.setdefault("apiVersion", "v1")
    for name in ("readinessProbe", "livenessProbe", "startupProbe"):
        if name in container:
            _probe(container[name])


def _probe(probe: Body) -> None:
    _fill(probe, _PROBE)
    if "httpGet" in probe:
        _fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})


def _volume(volume: Body) -> None:
    if set(volume) <= {"name"}:
        volume["emptyDir"] = {}
    for kind in _MODED_VOLUMES:
        if kind in volume:
            volume[kind].setdefault("defaultMode", _VOLUME_MODE)


def _pull_policy(image: str) -> str:
    """Always for the tag `latest`, spoken or not.

    >>> _pull_policy("shop"), _pull_policy("reg:5000/shop:v1"), _pull_policy("shop@sha256:0")
    ('Always', 'IfNotPresent', 'IfNotPresent')
    """
    name = image.rsplit("/", 1)[-1]
    latest = "@" not in name and (":" not in name or name.endswith(":latest"))
    return "Always" if latest else "IfNotPresent"


def _service(body: Body) -> None:
    spec = body.setdefault("spec", {})
    _fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    if spec["type"] != "ExternalName":
        _fill(spec, {"internalTrafficPolicy": "Cluster"})
    for port in spec.get("ports", ()):
        _fill(port, {"protocol": "TCP", "targetPort": port["port"]})


def _autoscaler(body: Body) -> None:
    body.setdefault("spec", {}).setdefault("minReplicas", 1)


def _namespace(body: Body) -> None:
    metadata = body["metadata"]
    metadata.setdefault("labels", {})["kubernetes.io/metadata.name"] = metadata["name"]
    body.setdefault("status", {}).setdefault("phase", "Active")


def _http_route(body: Body) -> None:
    spec = body.setdefault("spec", {})
    every_path = {"path": {"type": "PathPrefix", "value": "/"}}
    spec.setdefault("rules", [{}])
    for parent in spec.get("parentRefs", ()):
        _fill(parent, {"group": "gateway.networking.k8s.io", "kind": "Gateway"})
    for rule in spec["rules"]:
        rule.setdefault("matches", [copy_json(every_path)])
        for match in rule["matches"]:
            match.setdefault("path", {})
            _fill(match["path"], every_path["path"])
        for backend in rule.get("backendRefs", ()):
            _fill(backend, {"group": "", "kind": "Service", "weight": 1})


_RULES: Final[dict[str, Callable[[Body], None]]] = {
    "deployments": _deployment,
    "replicasets": _replica_set,
    "pods": _pod,
    "services": _service,
    "horizontalpodautoscalers": _autoscaler,
    "namespaces": _namespace,
    "httproutes": _http_route,
}
