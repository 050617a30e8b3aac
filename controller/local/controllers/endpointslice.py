"""The EndpointSlice controller: the pods that a Service selects, with their addresses.

One slice a Service, owned by it: enough for a few hundred pods, which is all that a cluster in
memory is for. A Service without a selector is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from controller.api.k8s import EndpointSlice, Pod, Service, ServicePort
from controller.api.meta import Key
from controller.api.resources import ENDPOINT_SLICES, PODS, SERVICES
from controller.kube.port import Cluster, NotFound
from controller.local.controllers.claims import controller_reference
from controller.local.controllers.loop import Loop, everything, own_key
from controller.local.controllers.replicaset import ready_since

IDENTITY: Final = "system:serviceaccount:kube-system:endpointslice-controller"
SERVICE_NAME: Final = "kubernetes.io/service-name"
_MANAGED_BY: Final = "endpointslice.kubernetes.io/managed-by"


class EndpointSliceController:
    """Looks after the slices of all Services of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._loop = Loop("endpointslice", cluster, self.look)
        self._services = self._loop.follow(SERVICES, own_key)
        self._loop.follow(PODS, self._concerned)
        self._slices = self._loop.follow(ENDPOINT_SLICES, _service_of)

    async def run(self) -> None:
        """Until cancelled."""
        await self._loop.run()

    async def look(self, key: Key) -> float | None:
        """Write the slice of one Service when it is not as it should be."""
        try:
            service = await self._cluster.get(SERVICES, key.namespace, key.name)
        except NotFound:
            return None
        if not service.spec.selector or service.metadata.deletion_timestamp is not None:
            return None
        pods = [
            pod
            for pod in await everything(self._cluster, PODS, key.namespace)
            if _selected(service, pod) and pod.status.pod_ip and pod.status.phase == "Running"
        ]
        await self._write(service, slice_body(service, pods))
        return None

    async def _write(self, service: Service, wanted: dict[str, Any]) -> None:
        name = f"{service.name}-endpoints"
        known = self._slices.get(Key(service.namespace, name))
        aim = msgspec.convert(wanted, EndpointSlice)
        if known and (known.endpoints, known.ports) == (aim.endpoints, aim.ports):
            return
        try:
            await self._cluster.patch_merge(ENDPOINT_SLICES, service.namespace, name, wanted)
        except NotFound:
            metadata = {
                "name": name,
                "labels": {SERVICE_NAME: service.name, _MANAGED_BY: "endpointslice-controller"},
                "ownerReferences": [controller_reference(service, SERVICES)],
            }
            body = {"metadata": metadata, "addressType": "IPv4", **wanted}
            await self._cluster.create(ENDPOINT_SLICES, service.namespace, body)

    def _concerned(self, pod: Pod) -> Iterable[Key]:
        return [one.key for one in self._services if _selected(one, pod)]


def _service_of(item: EndpointSlice) -> Iterable[Key]:
    name = item.metadata.labels.get(SERVICE_NAME)
    return (Key(item.namespace, name),) if name else ()


def _selected(service: Service, pod: Pod) -> bool:
    selector = service.spec.selector.items()
    return (
        bool(selector)
        and service.namespace == pod.namespace
        and selector <= pod.metadata.labels.items()
    )


def slice_body(service: Service, pods: Sequence[Pod]) -> dict[str, Any]:
    """The endpoints in the order of their names, and the ports as the pods number them."""
    ordered = sorted(pods, key=lambda pod: pod.name)
    ports = [_port(port, ordered) for port in service.spec.ports]
    return {
        "endpoints": [_endpoint(pod) for pod in ordered],
        "ports": [port for port in ports if port["port"]],
    }


def _endpoint(pod: Pod) -> dict[str, Any]:
    ready, going = ready_since(pod) is not None, pod.metadata.deletion_timestamp is not None
    return {
        "addresses": [pod.status.pod_ip],
        "conditions": {"ready": ready and not going, "serving": ready, "terminating": going},
        "targetRef": {
            "kind": "Pod",
            "namespace": pod.namespace,
            "name": pod.name,
            "uid": pod.metadata.uid,
        },
    }


def _port(port: ServicePort, pods: Sequence[Pod]) -> dict[str, Any]:
    number = port.target_port
    if isinstance(number, str):
        named = (
            found.container_port
            for pod in pods
            for container in pod.spec.containers
            for found in container.ports
            if found.name == number
        )
        number = next(named, 0)
    return {"name": port.name, "port": number, "protocol": port.protocol}
