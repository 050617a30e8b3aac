"""The true ledger: orders tried, placed and lost, by second and by version.

How silent loss is known: the load generator writes down every order that it tried, with the answer
that it got; the shop writes the id of an order into its pod's book at the moment at which it really
places it, before it answers. Neither asks the other. An order that was tried and stands in no book
is lost, whatever the answer said. Both are append-only files in one folder, so a killed process
loses none of its lines:

    <folder>/tried-<run>.log       <unix time sent> <order id> <status> <version> <milliseconds>
    <folder>/placed-<pod>.log      <order id>

The version is the one that the answer names (`x-shop-version`); `-` when no answer came. This
module counts; it starts nothing and reads no clock. Called by the demo, benchmarks and tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

UNREACHABLE: Final = 0
"""Status of an order whose connection failed."""
TIMED_OUT: Final = -1
"""Status of an order that had no answer within its deadline."""
UNSENT: Final = -2
"""Status of an order that the generator could not send: too many were in flight."""
NO_VERSION: Final = "-"


@dataclass(frozen=True)
class Attempt:
    """One order that was tried, and what the client saw of it."""

    sent_at: float
    """Unix time."""
    order: str
    status: int
    """HTTP status, or one of the constants above."""
    version: str = NO_VERSION
    latency_ms: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the client saw that it failed."""
        return not 200 <= self.status < 400

    def line(self) -> str:
        """The line of the file, without its end."""
        return f"{self.sent_at:.4f} {self.order} {self.status} {self.version} {self.latency_ms:.2f}"

    @classmethod
    def of_line(cls, line: str) -> Attempt:
        """The inverse of `line`."""
        sent_at, order, status, version, latency_ms = line.split(" ")
        return cls(float(sent_at), order, int(status), version, float(latency_ms))


@dataclass(frozen=True)
class Summary:
    """Orders of a window: `lost` is tried and not placed; `silent` the part answered as success."""

    tried: int = 0
    placed: int = 0
    failed: int = 0
    """The client saw an error, whether or not the order was placed."""
    silent: int = 0
    """The client saw a success, and the order was not placed."""

    @property
    def lost(self) -> int:
        """Orders that were tried and stand in no book."""
        return self.tried - self.placed

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.tried + other.tried,
            self.placed + other.placed,
            self.failed + other.failed,
            self.silent + other.silent,
        )


@dataclass
class Ledger:
    """All attempts and all placed orders that were read so far."""

    attempts: list[Attempt] = field(default_factory=list)
    placed: set[str] = field(default_factory=set)

    def summary(
        self, between: tuple[float, float] | None = None, version: str | None = None
    ) -> Summary:
        """Orders sent in [start, end) unix time, and answered by `version`; None means all."""
        return self._sum(self._chosen(between, version))

    def by_version(self, between: tuple[float, float] | None = None) -> dict[str, Summary]:
        """The same, split by the version that answered."""
        versions = sorted({attempt.version for attempt in self._chosen(between, None)})
        return {version: self.summary(between, version) for version in versions}

    def by_second(self, version: str | None = None) -> Mapping[int, Summary]:
        """Orders by the unix second in which they were sent, in order of time."""
        seconds: dict[int, list[Attempt]] = {}
        for attempt in self._chosen(None, version):
            seconds.setdefault(int(attempt.sent_at), []).append(attempt)
        return {second: self._sum(seconds[second]) for second in sorted(seconds)}

    def first_lost(self, version: str | None = None) -> float | None:
        """When the first lost order was sent; None when none was lost."""
        lost = (one.sent_at for one in self._chosen(None, version) if one.order not in self.placed)
        return min(lost, default=None)

    def _chosen(
        self, between: tuple[float, float] | None, version: str | None
    ) -> Iterator[Attempt]:
        for attempt in self.attempts:
            if version is not None and attempt.version != version:
                continue
            if between is None or between[0] <= attempt.sent_at < between[1]:
                yield attempt

    def _sum(self, attempts: Iterable[Attempt]) -> Summary:
        tried = placed = failed = silent = 0
        for attempt in attempts:
            is_placed = attempt.order in self.placed
            tried += 1
            placed += is_placed
            failed += attempt.failed
            silent += not attempt.failed and not is_placed
        return Summary(tried, placed, failed, silent)


class LedgerFolder:
    """Follows the files of a folder into a `Ledger`; each `read` takes only what is new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self._offsets: dict[Path, int] = {}

    def read(self) -> Ledger:
        """The ledger as of now.

        Attempts are read first: an order is placed before it is answered, so that every placed
        order among the attempts read is then found in the books.
        """
        tried = [line for file in self._files("tried-") for line in self._new_lines(file)]
        self.ledger.attempts.extend(map(Attempt.of_line, tried))
        for file in self._files("placed-"):
            self.ledger.placed.update(self._new_lines(file))
        return self.ledger

    def _files(self, prefix: str) -> list[Path]:
        return sorted(self.folder.glob(f"{prefix}*.log"))

    def _new_lines(self, file: Path) -> list[str]:
        start = self._offsets.get(file, 0)
        with file.open("rb") as stream:
            stream.seek(start)
            whole, _, _ = stream.read().rpartition(b"\n")  # the last line may be half written
        if not whole:
            return []
        self._offsets[file] = start + len(whole) + 1
        return whole.decode().split("\n")
