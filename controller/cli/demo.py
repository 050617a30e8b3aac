"""`blastdoor demo`: the story of four releases on this machine; see `controller.local.demo`."""

from __future__ import annotations

import argparse
import importlib
from typing import Final

HELP: Final = "watch four releases on this machine: two promoted, two taken back"
EXAMPLES: Final = ("blastdoor demo", "blastdoor demo --cluster real")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cluster",
        choices=("embedded", "real"),
        default="embedded",
        help="embedded: a cluster in memory. real: a control plane of real components"
        " (default: embedded)",
    )


def run(options: argparse.Namespace) -> int:
    demo = importlib.import_module("controller.local.demo")
    return int(demo.main(["--cluster", options.cluster]))
