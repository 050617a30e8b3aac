"""How long to wait after the n-th failure in a row: exponential, capped, spread by jitter.

Pure: the random share comes in as a function, so a test can fix it. Used by the client, the
reflector, the queue and the lease.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Jitter = Callable[[], float]
"""A number in [0, 1), as `random.random` gives."""


@dataclass(frozen=True)
class Backoff:
    """Waits of `base_s`, twice that, four times that ... up to `cap_s`, each less up to half."""

    base_s: float
    cap_s: float

    def delay_s(self, failures: int, jitter: Jitter) -> float:
        """The wait after `failures` >= 1 failures, in [w/2, w] of the full wait w."""
        # 2**60 base waits is beyond any cap: keeps the power finite after days of failures.
        full = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60))
        return full * (1.0 - 0.5 * jitter())
