"""Runs the demo: stage, load, play, report. Exit code 1 when an outcome is not the expected one."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from controller.local.demo import stage, story
from controller.local.demo.outcome import Result, results
from controller.local.demo.picture import draw
from controller.local.demo.play import Record, play
from controller.local.demo.view import View, summary
from controller.runtime import logs

FOLDER = Path(".demo")


def main(arguments: Sequence[str] | None = None) -> int:
    """The demo as a command: 0 when every release ended as it should."""
    parser = argparse.ArgumentParser(prog="blastdoor demo", description=__doc__)
    parser.add_argument("--cluster", choices=("embedded", "real"), default="embedded")
    options = parser.parse_args(arguments)
    if sys.platform != "linux":
        sys.stderr.write(
            "The local stack needs Linux (its gateway is a Linux Envoy). Elsewhere use kind:"
            " kind create cluster --config kind-config.yaml && kubectl apply -k manifests/\n"
        )
        return 2
    logs.configure("text", "error")
    try:
        return asyncio.run(_demo(options.cluster))
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing is left running\n")
        return 130


async def _demo(cluster: str) -> int:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _current_task().cancel)
    began = time.monotonic()
    record, view = Record(), View()
    opened = stage.real() if cluster == "real" else stage.embedded()
    view.console.print(
        f"Starting a shop with {story.RATE:.0f} orders a second ({cluster} cluster)."
    )
    async with opened as scene, scene.stack.load(story.RATE, seed=story.SEED):
        with view as show:
            await play(scene, story.STORY, record, show)
    rows = results(record)
    summary(rows, view.console)
    _leave(rows, record, time.monotonic() - began)
    view.console.print(f"Picture: {FOLDER}/report.png   numbers: {FOLDER}/result.json")
    return 0 if all(r.as_expected for r in rows) and len(rows) == len(story.STORY) else 1


def _current_task() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _leave(rows: list[Result], record: Record, wall_s: float) -> None:
    """The picture and the numbers, in `.demo/`."""
    FOLDER.mkdir(exist_ok=True)
    document = {"releases": [r.row() for r in rows], "wall_s": round(wall_s, 1)}
    (FOLDER / "result.json").write_text(json.dumps(document, indent=1) + "\n")
    if record.moments:
        draw(record, FOLDER / "report.png")
