"""Which pods gave no answer of late, so that they are asked last, and then seldom.

A pod behind a dead node holds one read until the deadline. Asked first, a few of them would take
the time of all others. It knows names and moments, no sockets. Called by `pod_pages`; lives as
long as the tools of the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass

SELDOM_AFTER = 3
"""Times in a row without an answer, after which a pod is asked only now and then."""
SELDOM_S = 10.0
FORGOTTEN_S = 600.0
"""A pod that nobody asks about any more is gone."""


@dataclass(frozen=True, slots=True)
class _Silence:
    times: int
    last_s: float


class SilentPods:
    """By address; one for all releases, written to by the event loop alone."""

    def __init__(self) -> None:
        self._silent: dict[str, _Silence] = {}

    def knows(self, address: str) -> bool:
        """Whether it gave no answer when it was last asked."""
        return address in self._silent

    def rest_s(self, address: str, now_s: float) -> float:
        """Seconds for which a pod is not to be asked again."""
        silence = self._silent.get(address)
        if silence is None or silence.times < SELDOM_AFTER:
            return 0.0
        return max(0.0, silence.last_s + SELDOM_S - now_s)

    def answered(self, address: str) -> None:
        """It is there, whatever it said."""
        self._silent.pop(address, None)

    def was_silent(self, address: str, now_s: float) -> None:
        """It was asked and gave no answer in time."""
        before = self._silent.get(address)
        self._silent[address] = _Silence(before.times + 1 if before else 1, now_s)
        gone = [one for one, it in self._silent.items() if it.last_s < now_s - FORGOTTEN_S]
        for one in gone:
            del self._silent[one]
