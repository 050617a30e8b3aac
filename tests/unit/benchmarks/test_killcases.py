"""Kills are counted as kills, ends as ends, and a sample is spread over all writes."""

from dataclasses import replace

from benchmarks.killcases import Case, Result, brief, line, row, shares, spread, summary

SAME = Result(Case("bad", 3, "before"), True, "patch httproutes shop", (), (), 12.34)
OTHER = replace(SAME, case=Case("good", 4, "after"), differences=("route: x instead of y",))
ROSE = replace(SAME, case=Case("bad", 4, "before"), rises=(5.0,))
NONE = replace(SAME, case=Case("bad", 40, "after"), killed=False, what="no such write")


def test_a_case_is_good_when_its_end_is_the_same_and_no_weight_rose() -> None:
    assert [r.good for r in (SAME, OTHER, ROSE, NONE)] == [True, False, False, True]


def test_the_summary_counts_only_what_was_killed() -> None:
    assert summary([SAME, OTHER, ROSE, NONE]) == {
        "cases": 3, "same_end": 2, "weight_rose_again": 1, "writes_of_bad": 2, "writes_of_good": 1,
        "no_such_write": 1,
    }  # fmt: skip


def test_a_row_holds_the_case_and_what_came_of_it() -> None:
    assert row(SAME) == {
        "release": "bad", "write": 3, "when": "before", "what": "patch httproutes shop",
        "killed": True, "same_end": True, "differences": [], "rises": [], "s": 12.3,
    }  # fmt: skip


def test_a_line_says_what_differs_and_that_the_weight_rose() -> None:
    assert line(SAME).endswith("same end")
    assert "DIFFERS: route: x instead of y" in line(OTHER)
    assert "WEIGHT ROSE: (5.0,)" in line(ROSE)


def test_the_operator_is_told_where_to_die() -> None:
    assert SAME.case.die == "before:3"


def test_the_spread_holds_each_number_once_and_its_beginning_reaches_everywhere() -> None:
    order = spread(range(1, 33))
    assert sorted(order) == list(range(1, 33))
    assert order[:4] == [1, 9, 17, 25]


def test_a_write_is_told_without_namespace_and_group() -> None:
    assert brief("create changes.blastdoor.dev bad-1/checkout-12 status") == (
        "create changes checkout-12 status"
    )


def test_lanes_that_count_different_last_writes_still_share_all_without_overlap() -> None:
    one, other = shares(every=1, lanes=2)
    dealt = one.writes(31) + other.writes(32)
    assert sorted(dealt) == list(range(1, 33))


def test_a_sample_takes_every_so_manieth_write() -> None:
    (lane,) = shares(every=5, lanes=1)
    assert sorted(lane.writes(20)) == [1, 6, 11, 16]
