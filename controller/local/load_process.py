"""The load generator as a process of its own, beside the operator and not inside its event loop.

    async with LoadProcess(url, rate=300, folder=stack.ledger_folder) as load:
        ...
    summary = stack.ledger.read().summary()

Called by the demo, benchmarks and end-to-end tests.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controller.local.load import TIMEOUT_S
from controller.local.process import Process

_LAST_ANSWERS_S: Final = TIMEOUT_S + 2.0


class LoadProcess:
    """Sends shoppers from `start` to `stop`; an async context manager."""

    def __init__(
        self,
        url: str,
        rate: float,
        *,
        folder: Path,
        seed: int = 1,
        run_name: str = "",
        session_delay_s: float = 0.0,
    ) -> None:
        name = run_name or f"{seed}"
        self.process = Process(
            f"load {name}",
            [
                *(sys.executable, "-m", "controller.local.load"),
                *("--url", url, "--rate", f"{rate}", "--seed", f"{seed}", "--run", name),
                *("--ledger", folder, "--session-delay", f"{session_delay_s}"),
            ],
            folder / f"load-{name}.txt",
        )

    def start(self) -> None:
        """Starts the shoppers."""
        self.process.start()

    async def stop(self) -> None:
        """Ends the arrivals and waits for the last answers; raises if the generator had died."""
        try:
            self.process.raise_if_dead()
        finally:
            await self.process.stop(_LAST_ANSWERS_S)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
