"""A long benchmark in pieces: each part is played once, and kept if a folder is given.

A run that was ended goes on where it was. What is kept knows nothing of the code that made it, so
a folder serves one state of the code. Called by benchmarks.detection and its extras.
"""

from __future__ import annotations

import pickle
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Played:
    """What a part found, and the processor time that it took."""

    found: Any
    processor_s: float


@dataclass(frozen=True)
class Parts:
    """A pool of processes, and the folder where finished parts are kept (None: nowhere)."""

    pool: ProcessPoolExecutor
    folder: Path | None = None

    def submit(self, name: str, work: Callable[..., Any], *arguments: Any) -> Future[Played]:
        """Play ``work(*arguments)`` in the pool; ``name`` is its own, and tells its size too."""
        path = None
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / (re.sub(r"[^\w.=%]+", "-", name) + ".part")
        return self.pool.submit(_play, path, work, *arguments)


def _play(path: Path | None, work: Callable[..., Any], *arguments: Any) -> Played:
    if path is not None and path.exists():
        kept: Played = pickle.loads(path.read_bytes())
        return kept
    begun = time.process_time()
    played = Played(work(*arguments), time.process_time() - begun)
    if path is not None:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(pickle.dumps(played))
        fresh.rename(path)
    return played
