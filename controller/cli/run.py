"""`blastdoor run`: the operator itself. The command line only turns flags into Settings."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import replace
from typing import Final

from controller.api.names import OPERATOR_NAMESPACE
from controller.cli.exits import CommandError, Exit
from controller.kube.config import ConfigError
from controller.runtime.settings import Settings

HELP: Final = "start the operator (in a pod, or on a laptop against a cluster)"
EXAMPLES: Final = ("blastdoor run --kubeconfig ~/.kube/config --log-format text",)

_DEFAULT: Final = Settings(identity="")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", default="", metavar="FILE", help="kubeconfig file")
    parser.add_argument("--context", default="", metavar="NAME", help="context of the kubeconfig")
    parser.add_argument(
        "--namespace",
        default=OPERATOR_NAMESPACE,
        help=f"where its Lease and its probe are (default: {OPERATOR_NAMESPACE})",
    )
    parser.add_argument(
        "--identity", default="", help="name in the Lease (default: the pod's name, made unique)"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=_DEFAULT.workers,
        metavar="N",
        help=f"Rollouts looked at at once (default: {_DEFAULT.workers})",
    )
    parser.add_argument(
        "--listen",
        default=_DEFAULT.listen,
        metavar="ADDRESS",
        help=f"address of /metrics, /healthz and /readyz (default: {_DEFAULT.listen})",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=_DEFAULT.port,
        help=f"port of the same; 0: any free one, -1: none (default: {_DEFAULT.port})",
    )
    parser.add_argument(
        "--log-format",
        choices=("json", "text"),
        default=_DEFAULT.log_format,
        help=f"form of the log (default: {_DEFAULT.log_format})",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default=_DEFAULT.log_level,
        help="info: something changed; debug: also that nothing did"
        f" (default: {_DEFAULT.log_level})",
    )
    parser.add_argument(
        "--no-leader-election", action="store_true", help="act at once, for a single process only"
    )


def run(options: argparse.Namespace) -> int:
    from controller.runtime import manager

    try:
        asyncio.run(manager.run(settings_of(options)))
    except ConfigError as error:
        raise CommandError(f"{error}; name one with --kubeconfig", Exit.UNREACHABLE) from error
    return Exit.OK


def settings_of(options: argparse.Namespace) -> Settings:
    """The flags as Settings; what no flag names keeps its default."""
    settings = Settings(
        kubeconfig=options.kubeconfig,
        context=options.context,
        namespace=options.namespace,
        workers=options.workers,
        listen=options.listen,
        port=options.port,
        log_format=options.log_format,
        log_level=options.log_level,
        leader_election=not options.no_leader_election,
    )
    return replace(settings, identity=options.identity) if options.identity else settings
