"""What our writes touch is known by name, also before the caches show it."""

from __future__ import annotations

from controller.api.meta import Key
from controller.runtime.objects import Objects, touched
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import CHANGE


def nothing_cached() -> Objects:
    """A Rollout that has just recorded a Change and asked for its canary; no cache shows either."""
    return Objects(
        rollout=release().observed().rollout, deployment=None, view=None, canary=None,
        canary_sets=(), canary_pods=(), service=None, canary_service=None, services=(), routes=(),
        templates=(), change=None, changes=(), signoffs=(), revisions=(), autoscaler=None,
        policies=(), namespace_ending=False,
    )  # fmt: skip


def test_a_change_and_a_canary_that_were_made_a_moment_ago_are_waited_for() -> None:
    found = {(resource.kind, key) for resource, key in touched(nothing_cached())}
    assert ("Change", Key("shop", CHANGE)) in found
    assert ("Deployment", Key("shop", "checkout-canary")) in found
    assert ("Service", Key("shop", "checkout-canary")) in found
    assert ("Deployment", Key("shop", "checkout")) in found
