import numpy as np

from analysis.snapshots import KEPT, Snapshots

ALL = np.array(True)


def kept(starts: Snapshots) -> list[list[float]]:
    rows = starts.old[~np.isneginf(starts.old).all(axis=-1)]
    return sorted(rows.tolist())


def with_old(*rows: list[float]) -> Snapshots:
    starts = Snapshots.none((), len(rows[0]))
    for at_s, row in enumerate(rows):
        starts = starts.with_start(float(at_s), np.array(row), ALL)
    return starts.aged(np.array(1e9))


def test_a_start_below_another_is_dropped() -> None:
    assert kept(with_old([1.0, 1.0], [2.0, 2.0])) == [[2.0, 2.0]]
    assert kept(with_old([2.0, 2.0], [1.0, 2.0])) == [[2.0, 2.0]]


def test_starts_that_each_lead_somewhere_are_kept() -> None:
    assert kept(with_old([1.0, 3.0], [2.0, 2.0])) == [[1.0, 3.0], [2.0, 2.0]]


def test_too_many_are_merged_upwards_which_only_lowers_the_evidence() -> None:
    rows = [[float(i), float(-i)] for i in range(KEPT + 3)]
    found = np.array(kept(with_old(*rows)))
    assert len(found) <= KEPT
    for row in rows:
        assert (found >= row).all(axis=-1).any()


def test_a_start_is_asked_about_only_when_it_is_old_enough() -> None:
    starts = Snapshots.none((), 1).with_start(100.0, np.array([1.0]), ALL)
    assert starts.aged(np.array(99.0)) is starts
    old = starts.aged(np.array(100.0))
    assert kept(old) == [[1.0]]
    assert old.young == ()


def test_each_comparison_ages_and_forgets_by_itself() -> None:
    starts = Snapshots.none((2,), 1).with_start(
        100.0, np.array([[1.0], [2.0]]), np.array([True] * 2)
    )
    older = starts.aged(np.array([100.0, 50.0]))
    assert older.old[0].max() == 1.0
    assert np.isneginf(older.old[1]).all()
    assert np.isneginf(older.young[0][1][0]).all()
    assert older.young[0][1][1] == 2.0
    gone = older.forget(np.array([True, False]))
    assert np.isneginf(gone.old).all()
    assert gone.young[0][1][1] == 2.0
    assert older.forget(np.array([True, True])).young == ()
