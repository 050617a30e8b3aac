"""`abort`, `retry`, `promote`, `hold`, `release`: each writes one Signoff and waits for its answer.

Commands are objects, never edits of status: who did it and why is on record, and the API server
decides who may.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
from typing import Any, Final

from controller.api.names import API_VERSION
from controller.api.resources import SIGNOFFS
from controller.api.rollout import Rollout
from controller.api.signoff import Decision, Signoff
from controller.cli.connect import add_cluster_options, namespace_of, with_cluster
from controller.cli.exits import CommandError, Exit
from controller.cli.reading import rollout_named
from controller.kube.port import Cluster

ACTS: Final[dict[str, tuple[Decision, str, str]]] = {
    "abort": ("Abort", "take the release in hand back, now", "support reports failed payments"),
    "retry": ("Retry", "try the proposal that was taken back again", "the payment API is back"),
    "promote": (
        "Promote",
        "pass the step or the watch in hand without waiting for evidence of no harm",
        "security fix, tried by hand",
    ),
    "hold": (
        "Hold",
        "keep the weight where it is; harm still takes the release back",
        "nobody is here over lunch",
    ),
    "release": ("Release", "end a hold", "back from lunch"),
}
"""By command: the decision, what it does, and a reason that somebody may have for it."""
POLL_S: Final = 0.2
"""Between two looks at the Signoff: the operator answers within a second."""
_NAME_ROOM: Final = 253 - len("-promote-") - 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the Rollout")
    parser.add_argument("--reason", default="", help="why, in a sentence; it stays on record")
    parser.add_argument(
        "--change", default="", help="the Change that is meant (default: the one in hand)"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        dest="wait_s",
        help="how long to wait for the operator's answer; 0: not at all (default: 10)",
    )
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    return with_cluster(options, lambda cluster: _act(cluster, options))


async def _act(cluster: Cluster, options: argparse.Namespace) -> int:
    decision = ACTS[options.command][0]
    rollout = await rollout_named(cluster, namespace_of(options), options.name)
    body = signoff(rollout, decision, options.reason, options.change, secrets.token_hex(4))
    created = await cluster.create(SIGNOFFS, rollout.namespace, body)
    about = f"change {created.spec.change}" if created.spec.change else "the change in hand"
    print(f"{decision} of rollout {rollout.key} recorded as signoff {created.name}, for {about}")
    if options.wait_s <= 0:
        return Exit.OK
    return _told(await _answered(cluster, created, options.wait_s), options.wait_s)


def signoff(
    rollout: Rollout, decision: Decision, reason: str, change: str, suffix: str
) -> dict[str, Any]:
    """The manifest. It names the Change that the person saw, so that no newer one is hit."""
    spec: dict[str, Any] = {"rollout": rollout.name, "decision": decision}
    if change or rollout.status.change:
        spec["change"] = change or rollout.status.change
    if reason:
        spec["reason"] = reason
    name = f"{rollout.name[:_NAME_ROOM]}-{decision.lower()}-{suffix}"
    metadata = {"name": name, "namespace": rollout.namespace}
    return {"apiVersion": API_VERSION, "kind": "Signoff", "metadata": metadata, "spec": spec}


async def _answered(cluster: Cluster, created: Signoff, wait_s: float) -> Signoff:
    """The Signoff when the operator has answered, or as it is after `wait_s`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    seen = created
    while not seen.status.state and loop.time() < until:
        await asyncio.sleep(POLL_S)
        seen = await cluster.get(SIGNOFFS, created.namespace, created.name)
    return seen


def _told(signoff_seen: Signoff, wait_s: float) -> int:
    status = signoff_seen.status
    if not status.state:
        raise CommandError(
            f"signoff {signoff_seen.key}: no answer within {wait_s:g}s; it stays on record and is"
            " acted on when the operator runs: kubectl -n blastdoor-system get pods"
        )
    print(f"{status.state}: {status.message}" if status.message else status.state)
    return Exit.OK if status.state == "Applied" else Exit.NO
