"""`blastdoor explain`: the operator's rules in their order, and which one speaks now.

The order is the specification: the first rule that answers decides. With a name the rules are asked
about what stands on the cluster right now, by the operator's own code and with the caller's rights;
beside it stands what the operator last decided, as the evidence is its own.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from controller.api.rollout import Rollout
from controller.cli import output
from controller.cli.connect import add_cluster_options, namespace_of, with_cluster
from controller.cli.exits import Exit
from controller.cli.reading import rollout_named
from controller.core.guards.order import ORDER, asks
from controller.core.observed import Observed
from controller.core.plan import explain
from controller.core.reasons import MEANING
from controller.kube.port import Cluster

HELP = "what each rule of a decision says now, in their order, and what was decided"
EXAMPLES = ("blastdoor explain checkout -n shop", "blastdoor explain")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", default="", metavar="NAME", help="a Rollout (none: only the rules)"
    )
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    if not options.name:
        print(rules())
        return Exit.OK
    return with_cluster(options, lambda cluster: _explain(cluster, options))


async def _explain(cluster: Cluster, options: argparse.Namespace) -> int:
    from controller.runtime.once import glance  # heavy, and only a cluster needs it
    from controller.runtime.plugins import installed

    rollout = await rollout_named(cluster, namespace_of(options), options.name)
    now = datetime.now(UTC)
    seen = await glance(cluster, rollout, installed())
    print(answers(seen.observed, now))
    for unread in seen.unread:
        print(f"not read, so taken as absent: {unread}")
    print()
    print(decided(rollout, now))
    return Exit.OK


def rules() -> str:
    """The table of rules: the first that answers decides."""
    rows = [(str(place), rule.__name__, asks(rule)) for place, rule in enumerate(ORDER, start=1)]
    return output.table(("", "RULE", "ANSWERS WHEN"), rows)


def answers(o: Observed, now: datetime) -> str:
    """What each rule says to what stands on the cluster now, up to the one that decides."""
    rows = [
        (str(place), name, says, answer)
        for place, (name, says, answer) in enumerate(explain(o, now), start=1)
    ]
    return output.table(("", "RULE", "ANSWERS WHEN", "ANSWER NOW"), rows)


def decided(rollout: Rollout, now: datetime) -> str:
    """The last decision in words: reason, sentence, and when it is looked at again."""
    status = rollout.status
    if not status.reason:
        return f"Rollout {rollout.key}: nothing was decided yet; is the operator running?"
    lines = [f"Rollout {rollout.key}: {status.reason}"]
    if meaning_of(status.reason):
        lines.append(f"  means     {meaning_of(status.reason)}")
    if status.message:
        lines.append(f"  because   {status.message}")
    if status.next_at is not None:
        lines.append(f"  next      at the latest {output.moment(status.next_at, now)}")
    return "\n".join(lines)


def meaning_of(reason: str) -> str:
    """What a reason says, in a sentence; empty for one that this version does not know."""
    return {known.value: text for known, text in MEANING.items()}.get(reason, "")
