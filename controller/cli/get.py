"""`blastdoor get`: the objects of one kind with the columns that `kubectl get` shows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from controller.api import crd_tables, resources
from controller.api.crd_tables import Kind
from controller.api.meta import Object
from controller.api.resources import Resource
from controller.cli import output
from controller.cli.connect import add_cluster_options, namespace_of, with_cluster
from controller.cli.exits import Exit
from controller.cli.reading import every
from controller.kube.port import Cluster, Malformed

HELP: Final = "list Rollouts, AnalysisTemplates, Changes or Signoffs"
EXAMPLES: Final = (
    "blastdoor get -A",
    "blastdoor get changes -o wide",
    "blastdoor get bda shop -o yaml",
)

_KINDS: Final[dict[str, tuple[Kind, Resource[Any]]]] = {
    "rollouts": (crd_tables.ROLLOUT, resources.ROLLOUTS),
    "analysistemplates": (crd_tables.ANALYSIS_TEMPLATE, resources.ANALYSIS_TEMPLATES),
    "changes": (crd_tables.CHANGE, resources.CHANGES),
    "signoffs": (crd_tables.SIGNOFF, resources.SIGNOFFS),
}
ALIASES: Final = {
    alias: plural
    for plural, (kind, _) in _KINDS.items()
    for alias in (plural, kind.type.__name__.lower(), kind.short)
} | {"templates": "analysistemplates", "template": "analysistemplates"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "kind",
        nargs="?",
        default="rollouts",
        type=str.lower,
        choices=sorted(ALIASES),
        metavar="KIND",
        help=f"one of {', '.join(_KINDS)}, or their short names (default: rollouts)",
    )
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="only this one")
    parser.add_argument("-A", "--all-namespaces", action="store_true", help="in every namespace")
    parser.add_argument("-o", "--output", choices=("json", "yaml", "wide"), help="another form")
    add_cluster_options(parser)


def run(options: argparse.Namespace) -> int:
    return with_cluster(options, lambda cluster: _get(cluster, options))


async def _get(cluster: Cluster, options: argparse.Namespace) -> int:
    kind, resource = _KINDS[ALIASES[options.kind]]
    namespace = "" if options.all_namespaces else namespace_of(options)
    malformed: list[Malformed] = []
    if options.name:
        objects: Sequence[Object] = [await cluster.get(resource, namespace, options.name)]
    else:
        objects, malformed = await every(cluster, resource, namespace)
    text = rendered(kind, objects, options, datetime.now(UTC))
    if text:
        print(text)
    for one in malformed:
        name = f"{one.metadata.namespace}/{one.metadata.name}"
        print(f"{kind.type.__name__} {name} cannot be read: {one.problem}", file=sys.stderr)
    if not objects and not malformed:
        where = f"in namespace {namespace}" if namespace else "in any namespace"
        print(f"No {kind.plural} {where}.", file=sys.stderr)
    return Exit.NO if malformed else Exit.OK


def rendered(
    kind: Kind, objects: Sequence[Object], options: argparse.Namespace, now: datetime
) -> str:
    """The text of these objects in the form asked for; empty when a table would have no row."""
    if options.output == "json":
        return output.as_json(kind, objects, single=bool(options.name))
    if options.output == "yaml":
        return output.as_yaml(kind, objects, single=bool(options.name))
    if not objects:
        return ""
    wide = options.output == "wide"
    return output.listing(kind, objects, now, wide=wide, namespaced=options.all_namespaces)
