"""The containment mark says who was taken back, and as what."""

from __future__ import annotations

import pytest

from controller.api.mark import Mark


def test_what_is_written_is_read() -> None:
    mark = Mark("uid-1", "Inconclusive", "NoEvidence")
    assert Mark.read(str(mark)) == mark


@pytest.mark.parametrize("text", ["", "  "])
def test_no_text_is_no_mark(text: str) -> None:
    assert Mark.read(text) is None


def test_a_bare_uid_is_a_mark_without_words() -> None:
    assert Mark.read("uid-1") == Mark("uid-1")
    assert str(Mark("uid-1")) == "uid-1"


def test_more_words_than_known_lose_nothing_of_the_first() -> None:
    assert Mark.read("uid-1 RolledBack HarmFound later") == Mark("uid-1", "RolledBack", "HarmFound")
