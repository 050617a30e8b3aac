"""The arithmetic of the true ledger."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from controller.local.ledger import (
    NO_VERSION,
    TIMED_OUT,
    UNREACHABLE,
    UNSENT,
    Attempt,
    Ledger,
    LedgerFolder,
    Summary,
)

attempts = st.lists(
    st.builds(
        Attempt,
        sent_at=st.integers(0, 10_000_000).map(lambda tenth_ms: tenth_ms / 10_000),
        order=st.integers(0, 10**6).map(lambda number: f"7-{number}"),
        status=st.sampled_from([200, 404, 500, 503, UNREACHABLE, TIMED_OUT, UNSENT]),
        version=st.sampled_from(["v1", "v2", NO_VERSION]),
        latency_ms=st.integers(0, 10**6).map(lambda hundredths: hundredths / 100),
    ),
    unique_by=lambda attempt: attempt.order,
)


def ledger_of(tried: list[Attempt], placed: set[str]) -> Ledger:
    return Ledger(tried, placed)


def test_an_order_answered_with_200_that_stands_in_no_book_is_lost_silently() -> None:
    ledger = ledger_of(
        [Attempt(1.0, "a", 200, "v1"), Attempt(2.0, "b", 200, "v3"), Attempt(3.0, "c", 500, "v3")],
        {"a"},
    )
    assert ledger.summary() == Summary(tried=3, placed=1, failed=1, silent=1)
    assert ledger.summary().lost == 2
    assert ledger.summary(version="v3") == Summary(tried=2, placed=0, failed=1, silent=1)
    assert ledger.first_lost() == 2.0
    assert ledger.first_lost("v1") is None


def test_an_order_placed_before_its_answer_timed_out_failed_but_is_not_lost() -> None:
    ledger = ledger_of([Attempt(1.0, "a", TIMED_OUT)], {"a"})
    assert ledger.summary() == Summary(tried=1, placed=1, failed=1, silent=0)
    assert ledger.summary().lost == 0


def test_a_window_includes_its_start_and_excludes_its_end() -> None:
    ledger = ledger_of([Attempt(at, f"{at}", 200, "v1") for at in (1.0, 2.0, 3.0)], set())
    assert ledger.summary(between=(1.0, 3.0)).tried == 2


@given(attempts, st.sets(st.integers(0, 10**6).map(lambda number: f"7-{number}")))
def test_versions_and_seconds_each_add_up_to_the_whole(
    tried: list[Attempt], placed: set[str]
) -> None:
    ledger = ledger_of(tried, placed)
    whole = ledger.summary()
    assert sum(ledger.by_version().values(), Summary()) == whole
    assert sum(ledger.by_second().values(), Summary()) == whole
    assert whole.lost == sum(one.order not in placed for one in tried)


@given(attempts)
def test_a_line_says_all_of_an_attempt(tried: list[Attempt]) -> None:
    assert [Attempt.of_line(attempt.line()) for attempt in tried] == tried


def test_a_half_written_line_waits_for_its_rest(tmp_path: Path) -> None:
    file, book = tmp_path / "tried-1.log", tmp_path / "placed-a.log"
    first, second = Attempt(1.0, "a", 200, "v1"), Attempt(2.0, "b", 200, "v1")
    follower = LedgerFolder(tmp_path)
    assert follower.read().summary() == Summary()
    file.write_text(first.line() + "\n" + second.line()[:5])
    book.write_text("a\n")
    assert follower.read().attempts == [first]
    file.write_text(first.line() + "\n" + second.line() + "\n")
    assert follower.read().attempts == [first, second]
    assert follower.read().summary() == Summary(tried=2, placed=1, silent=1)


def test_books_of_several_pods_are_one(tmp_path: Path) -> None:
    for pod in "ab":
        (tmp_path / f"placed-{pod}.log").write_text(f"{pod}\n")
    assert LedgerFolder(tmp_path).read().placed == {"a", "b"}
