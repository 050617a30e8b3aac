"""Where and with what a measurement was made, beside its numbers, in benchmarks/results."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def write(name: str, numbers: Mapping[str, Any]) -> Path:
    """Write `<name>.json` and give its path."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    made = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30),
        "python": platform.python_version(),
        "packages": {p: version(p) for p in ("blastdoor", "aiohttp", "msgspec", "numpy")},
    }
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**numbers, "made": made}, indent=1) + "\n")
    return path


def percentile(values: list[float], share: float) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]


def table(rows: Mapping[str, Any]) -> str:
    """Two columns."""
    width = max(len(name) for name in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())
