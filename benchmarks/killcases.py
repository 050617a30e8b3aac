"""The cases of the kill matrix, what came of them, and how they are counted and told; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

RELEASES: Final = ("bad", "good")


@dataclass(frozen=True)
class Case:
    """Where the operator dies."""

    release: str
    write: int
    when: str

    @property
    def die(self) -> str:
        """For `operator_process --die`."""
        return f"{self.when}:{self.write}"


@dataclass(frozen=True)
class Result:
    """What came of a case. `killed` is false when the release had no such write this time."""

    case: Case
    killed: bool
    what: str
    differences: tuple[str, ...]
    rises: tuple[float, ...]
    seconds: float

    @property
    def good(self) -> bool:
        """As without a kill."""
        return not self.differences and not self.rises


@dataclass(frozen=True)
class Share:
    """The writes of one lane: the first, and from there each `step`-th."""

    first: int
    step: int

    def writes(self, last: int) -> list[int]:
        """Up to the last one; lanes may not agree on it, as a run may have a write more."""
        return spread(range(self.first, last + 1, self.step))


def shares(every: int, lanes: int) -> list[Share]:
    """Every `every`-th write, dealt to lanes so that no two have one in common."""
    return [Share(1 + lane * every, every * lanes) for lane in range(lanes)]


def spread(numbers: Sequence[int]) -> list[int]:
    """The same numbers, the first few spread over all: whenever it is cut short, it is a sample.

    >>> spread(range(1, 10))
    [1, 9, 5, 3, 7, 2, 6, 4, 8]
    """
    return [number for start in (0, 4, 2, 6, 1, 5, 3, 7) for number in numbers[start::8]]


def brief(what: str) -> str:
    """A write without the group of its kind and without the namespace.

    >>> brief("patch httproutes.gateway.networking.k8s.io good-1/shop")
    'patch httproutes shop'
    """
    verb, resource, target = what.split(" ", 2)
    return f"{verb} {resource.partition('.')[0]} {target.partition('/')[2]}"


def summary(results: Sequence[Result]) -> dict[str, int]:
    """The counts of `kills.json`. A case whose write did not come is not a kill."""
    killed = [r for r in results if r.killed]
    return {
        "cases": len(killed),
        "same_end": sum(1 for r in killed if not r.differences),
        "weight_rose_again": sum(1 for r in results if r.rises),
        **{f"writes_of_{name}": _writes(killed, name) for name in RELEASES},
        "no_such_write": len(results) - len(killed),
    }


def _writes(killed: Sequence[Result], release: str) -> int:
    """How many different writes of a release met a kill."""
    return len({r.case.write for r in killed if r.case.release == release})


def row(r: Result) -> dict[str, object]:
    """One case in `kills.json`."""
    return {
        **asdict(r.case), "what": r.what, "killed": r.killed, "same_end": not r.differences,
        "differences": list(r.differences), "rises": list(r.rises), "s": round(r.seconds, 1),
    }  # fmt: skip


def line(r: Result) -> str:
    """One row of the table."""
    end = "same end" if not r.differences else f"DIFFERS: {'; '.join(r.differences)}"
    rose = f"  WEIGHT ROSE: {r.rises}" if r.rises else ""
    where = f"{r.case.release} {r.case.when:6} write {r.case.write:2}"
    return f"{where}  {r.what:42.42}  {r.seconds:5.1f} s  {end}{rose}"
