"""Where, when and with what a measurement was made, beside its numbers, in benchmarks/results."""

from __future__ import annotations

import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from controller.local.tools import TOOLS

RESULTS: Final = Path(__file__).parent / "results"
PACKAGES: Final = ("blastdoor", "aiohttp", "msgspec", "numpy")


@dataclass(frozen=True)
class Begun:
    """What can only be known when a measurement begins."""

    at: datetime
    load_average: float
    commit: str


def begin() -> Begun:
    """Call it before the first measurement."""
    return Begun(datetime.now(UTC), os.getloadavg()[0], _commit())


def conclude(
    name: str, numbers: Mapping[str, Any], begun: Begun, over: Sequence[str], *, seed: int | None
) -> int:
    """Print the numbers, write `<name>.json`, say what is over its limit; 1 if anything is."""
    sys.stdout.write(table(numbers) + "\n")
    sys.stdout.write(f"written: {write(name, numbers, begun, seed=seed)}\n")
    for line in over:
        sys.stderr.write(f"{name}: {line}\n")
    return int(bool(over))


def write(
    name: str,
    numbers: Mapping[str, Any],
    begun: Begun,
    *,
    seed: int | None = None,
    folder: Path | None = None,
) -> Path:
    """Write `<name>.json` and give its path."""
    path = (folder or RESULTS) / f"{name}.json"
    path.write_text(json.dumps({**numbers, "made": made(begun, seed)}, indent=1) + "\n")
    return path


def made(begun: Begun, seed: int | None) -> dict[str, Any]:
    """Time, machine and versions. Load averages are of one minute, at the start and at the end."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "date": begun.at.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": begun.commit,
        "seed": seed,
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "load_average": [round(begun.load_average, 2), round(os.getloadavg()[0], 2)],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {package: version(package) for package in PACKAGES},
        "programs": {tool: TOOLS[tool].version for tool in sorted(TOOLS)},
    }


def _commit() -> str:
    """The commit that was measured; `+` when the code had been edited since; empty outside git."""
    root = RESULTS.parents[1]

    def git(*words: str) -> str:
        try:
            answer = subprocess.run(
                ["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return ""
        return answer.stdout.strip()

    edited = git("status", "--porcelain", "--", "analysis", "controller", "manifests")
    return git("rev-parse", "--short", "HEAD") + "+" * bool(edited)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` of all do not exceed.

    >>> percentile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    # What is within rounding of a whole rank is that rank: 0.99 of 100 values is the 99th.
    rank = math.ceil(share * len(ordered) - 1e-9)
    return ordered[min(len(ordered), max(1, rank)) - 1]


def table(rows: Mapping[str, Any]) -> str:
    """Two columns."""
    width = max(len(name) for name in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())
