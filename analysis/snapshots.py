"""Which earlier moments can still be the least favourable start of a promotion process.

The promotion rule asks for evidence from *every* recent start. For start k the evidence is
sum_g w_g exp(L_g(t) - L_g(k)), so a snapshot L(k) that is nowhere above another one can never be
the smallest: only the snapshots that no other one dominates are kept. On a healthy release that
is one. When more than ``KEPT`` remain, two are replaced by their largest values cell by cell,
which makes the answer smaller, never larger: conservative, and bounded in memory.

It knows arrays and times, not what L means. Called by promotion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ticks import FloatArray

KEPT = 6
NOWHERE = -np.inf
"""An empty slot: the evidence since it is infinite, so it is never the smallest."""


@dataclass(frozen=True, slots=True)
class Snapshots:
    """Starts that may be asked about, and younger ones that become so later.

    old: shape ``(..., KEPT, A)``, no row dominates another. young: pairs of time and L of shape
    ``(..., A)``, oldest first, one for each grid time.
    """

    old: FloatArray
    young: tuple[tuple[float, FloatArray], ...]

    @classmethod
    def none(cls, shape: tuple[int, ...], alternatives: int) -> Snapshots:
        """No start yet."""
        return cls(np.full((*shape, KEPT, alternatives), NOWHERE), ())

    def with_start(
        self, at_s: float, log_sums: FloatArray, where: npt.NDArray[np.bool_]
    ) -> Snapshots:
        """One more start at ``at_s`` for the comparisons ``where``."""
        fresh = np.where(where[..., None], log_sums, NOWHERE)
        return Snapshots(self.old, (*self.young, (at_s, fresh)))

    def aged(self, up_to_s: FloatArray) -> Snapshots:
        """Starts at or before ``up_to_s``, shape ``(...)``, become old enough to be asked about."""
        if not self.young or self.young[0][0] > up_to_s.max():
            return self
        old, young = self.old, []
        for at_s, sums in self.young:
            ripe = np.asarray(at_s <= up_to_s)
            if ripe.any():
                old = _insert(old, np.where(ripe[..., None], sums, NOWHERE))
                sums = np.where(ripe[..., None], NOWHERE, sums)
            if not np.isneginf(sums).all():
                young.append((at_s, sums))
        return Snapshots(old, tuple(young))

    def forget(self, where: npt.NDArray[np.bool_]) -> Snapshots:
        """Drop all starts of the comparisons ``where``: their step has ended."""
        old = np.where(where[..., None, None], NOWHERE, self.old)
        if where.all():
            return Snapshots(old, ())
        kept = tuple((at, np.where(where[..., None], NOWHERE, sums)) for at, sums in self.young)
        return Snapshots(old, kept)


def _insert(old: FloatArray, fresh: FloatArray) -> FloatArray:
    """``old`` with ``fresh`` among its rows, without the rows that are dominated."""
    row = fresh[..., None, :]
    hidden = np.asarray((old >= row).all(axis=-1).any(axis=-1))
    beaten = np.asarray((old <= row).all(axis=-1))
    kept = np.where((beaten & ~hidden[..., None])[..., None], NOWHERE, old)
    empty = np.asarray(np.isneginf(kept).all(axis=-1))
    slot = np.where(empty.any(axis=-1), empty.argmax(axis=-1), KEPT - 1)
    chosen = (np.arange(KEPT) == slot[..., None]) & ~hidden[..., None]
    return np.where(chosen[..., None], np.maximum(kept, row), kept)
