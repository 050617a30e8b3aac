"""The share when no route is named: it follows the pods behind the apex's own Service.

The same questions as for a route, with pods as the weights. Containment is a pin of the Service
(`controller.workloads.pin`), which this view sees as share 0. Called by facts.
"""

from __future__ import annotations

from controller.api import names
from controller.api.k8s import Service
from controller.api.share import observed_share
from controller.routers.port import RouteView


def read(service: Service, *, canary_ready: int, stable_ready: int) -> RouteView:
    """What the Service really sends to the canary: the share of its ready pods, 0 when pinned."""
    aborted_for = service.metadata.annotations.get(names.ABORTED_ANNOTATION, "")
    pinned = names.HASH_LABEL in service.spec.selector
    return RouteView(
        weight_pct=0.0 if pinned else observed_share(canary_ready, stable_ready),
        in_force=True,
        aborted_for=aborted_for,
        managed=pinned or bool(aborted_for),
    )
