"""Which cluster and which namespace a command means, and its connection.

Called by every command that needs a cluster. The heavy imports happen here and late, so that the
offline commands and `--help` start at once.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import yaml

from controller.cli.exits import CommandError, Exit
from controller.kube.port import ApiError, Cluster, Forbidden, Invalid, NotFound, Unreachable

Work = Callable[[Cluster], Awaitable[int]]

DEFAULT_NAMESPACE: Final = "default"
_NAME_ONE: Final = "name one with --kubeconfig, or set KUBECONFIG"
_POD_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def add_cluster_options(parser: argparse.ArgumentParser, *, namespaced: bool = True) -> None:
    """`--kubeconfig` and `--context`, as kubectl has them; `--namespace` for what looks at one."""
    group = parser.add_argument_group("cluster")
    if namespaced:
        group.add_argument(
            "-n", "--namespace", default="", help="namespace (default: the context's)"
        )
    group.add_argument("--kubeconfig", default="", metavar="FILE", help="kubeconfig file")
    group.add_argument("--context", default="", metavar="NAME", help="context of the kubeconfig")


def namespace_of(options: argparse.Namespace) -> str:
    """The namespace that is meant: the option, else the context's, else `default`."""
    if options.namespace:
        return str(options.namespace)
    configured = _context_namespace(options.kubeconfig, options.context)
    if not configured and _POD_NAMESPACE.exists() and not options.kubeconfig:
        configured = _POD_NAMESPACE.read_text().strip()
    return configured or DEFAULT_NAMESPACE


def with_cluster(options: argparse.Namespace, work: Work) -> int:
    """Connect, do the work, close; every failure of the connection is one clear sentence."""
    return asyncio.run(_connected(options, work))


async def _connected(options: argparse.Namespace, work: Work) -> int:
    # The loader of kubeconfig files also logs what it raises; we say it once.
    logging.getLogger().addHandler(logging.NullHandler())
    from controller.kube.client import ApiServer
    from controller.kube.config import ConfigError, source_of

    try:
        async with ApiServer(source_of(options.kubeconfig, options.context)) as cluster:
            return await work(cluster)
    except ConfigError as error:
        raise CommandError(f"{error}; {_NAME_ONE}", Exit.UNREACHABLE) from error
    except ApiError as error:
        raise command_error(error) from error


def command_error(error: ApiError) -> CommandError:
    """The failure of a call, with what to do about it."""
    if isinstance(error, NotFound):
        return CommandError(f"{error}; `blastdoor get -A` lists what there is", Exit.NOT_FOUND)
    if error.reason == "NoConfiguration":
        return CommandError(f"no cluster: {error.message}; {_NAME_ONE}", Exit.UNREACHABLE)
    if isinstance(error, Unreachable):
        return CommandError(f"{error}; is the cluster up, and the context right?", Exit.UNREACHABLE)
    if error.status == 401:
        return CommandError(f"{error}; log in again", Exit.UNREACHABLE)
    if isinstance(error, Forbidden):
        return CommandError(f"{error}; ask for the permission named there", Exit.REFUSED)
    if isinstance(error, Invalid):
        return CommandError(str(error), Exit.REFUSED)
    return CommandError(f"{error}; try again", Exit.NO)


def _context_namespace(path: str, context: str) -> str:
    """The namespace of a context, read leniently: a broken file is reported on connecting."""
    places = path or os.environ.get("KUBECONFIG", "") or str(Path.home() / ".kube/config")
    contexts: dict[str, Any] = {}
    for place in reversed(places.split(os.pathsep)):
        config = _document(Path(place))
        context = context or str(config.get("current-context") or "")
        for entry in config.get("contexts") or ():
            contexts[str(entry.get("name"))] = entry.get("context") or {}
    return str(contexts.get(context, {}).get("namespace") or "")


def _document(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}
