"""`blastdoor history`: the releases of one Rollout, newest first: who, what, how far, the end."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime

from controller.api import crd_tables
from controller.api.change import Change
from controller.cli import output
from controller.cli.connect import add_cluster_options, namespace_of, with_cluster
from controller.cli.exits import Exit
from controller.cli.reading import changes_of, rollout_named
from controller.kube.port import Cluster

HELP = "the last releases of a Rollout (20 that ended are kept) and how each ended"
EXAMPLES = ("blastdoor history checkout -n shop", "blastdoor history checkout -o json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the Rollout")
    parser.add_argument("-o", "--output", choices=("json", "yaml", "wide"), help="another form")
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    return with_cluster(options, lambda cluster: _history(cluster, options))


async def _history(cluster: Cluster, options: argparse.Namespace) -> int:
    rollout = await rollout_named(cluster, namespace_of(options), options.name)
    changes = await changes_of(cluster, rollout.namespace, rollout.name)
    if options.output == "json":
        print(output.as_json(crd_tables.CHANGE, changes, single=False))
    elif options.output == "yaml":
        print(output.as_yaml(crd_tables.CHANGE, changes, single=False))
    elif changes:
        print(listing(changes, datetime.now(UTC), wide=options.output == "wide"))
    else:
        print(f"Rollout {rollout.key} has had no release yet.")
    return Exit.OK


def listing(changes: Sequence[Change], now: datetime, *, wide: bool) -> str:
    """One line a release; `wide` adds what changed and the last message."""
    head = ["CHANGE", "AGE", "TOOK", "ORIGIN", "IMAGES", "PEAK", "LOST", "OUTCOME", "REASON"]
    rows = [_row(change, now) for change in changes]
    if wide:
        head += ["WHAT", "MESSAGE"]
        rows = [
            [*row, change.spec.what, change.status.message]
            for row, change in zip(rows, changes, strict=True)
        ]
    return output.table(head, rows)


def _row(change: Change, now: datetime) -> list[str]:
    status = change.status
    end = status.finished_at or now
    return [
        change.name,
        output.age(change.metadata.creation_timestamp, now),
        output.span(end - status.started_at) if status.started_at else "-",
        change.spec.origin,
        ", ".join(image.rsplit("/", 1)[-1] for image in change.spec.target.images) or "-",
        f"{output.number(status.peak_weight)}%",
        f"{max(0.0, status.orders_lost):.0f}",
        status.outcome or status.phase or "Proposed",
        status.reason,
    ]
