"""Regexes of labels are those of Prometheus, and none of them can hold the operator."""

from __future__ import annotations

import time

import pytest

from controller.metrics.regexes import RegexError, whole

ANY = pytest.mark.parametrize


@ANY(
    "pattern",
    ["(/?[a-z]+)*/checkout", "(a+)+b", "(a|a)*b", "(.*)*c", "(?:.{0,1000}b)(?:.{0,1000}b)"],
)
def test_no_pattern_takes_longer_than_the_text_is_long(pattern: str) -> None:
    matches = whole(pattern)
    before_s = time.thread_time()
    assert not matches("/" + "a" * 20_000 + "!")
    assert time.thread_time() - before_s < 1.0


@ANY(
    ("pattern", "yes", "no"),
    [
        ("5..", "503", "5030"),
        ("a-1|a-2", "a-2", "a-21"),
        ("a|b", "b", ""),
        ("a|", "", "|"),
        ("", "", "a"),
        ("a[.]1", "a.1", "aa1"),
        (".+", "a\nb", ""),
        (r"\d+", "12", "x"),
        ("(?i)get", "GET", "PUT"),
        ("café|.", "é", "éé"),
        (".*", "\ud800", None),
    ],
)
def test_the_whole_value_is_matched(pattern: str, yes: str, no: str | None) -> None:
    assert whole(pattern)(yes)
    assert no is None or not whole(pattern)(no)


@ANY(
    ("pattern", "words"),
    [
        ("(", "missing )"),
        ("(?=a)", "invalid perl operator"),
        (r"(a)\1", "invalid escape sequence"),
        ("(?:.{0,1000}b)" * 20, "pattern too large"),
        ("\ud800", "half a character"),
    ],
)
def test_what_is_no_regex_of_prometheus_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(RegexError) as refused:
        whole(pattern)
    assert words in str(refused.value)


@ANY("between", ["-", "."])
def test_the_names_of_many_pods_are_one_regex(between: str) -> None:
    names = [f"checkout{between}6f7d9c5b8-{number * 7919 % 100_000:05}" for number in range(5_000)]
    matches = whole("|".join(name.replace(".", "[.]") for name in names))
    assert matches(names[-1])
    assert not matches("checkout")
