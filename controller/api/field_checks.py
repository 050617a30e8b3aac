"""Checks of single fields, shared by the checks of whole objects. Pure; each yields problems."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import timedelta

from controller.api.problems import Problem, brief, shown
from controller.api.quantities import parse_duration, parse_percent

Problems = Iterator[Problem]


def one_of(names: Collection[str]) -> str:
    """`must be one of A, B, C`."""
    return "must be one of " + ", ".join(names) if names else "none is installed"


def duration_problems(path: str, text: str, *, positive: bool = False) -> Problems:
    try:
        length = parse_duration(text)
    except ValueError as error:
        yield from_value_error(path, error)
        return
    if positive and length <= timedelta(0):
        yield Problem(path, shown(text), "must be over 0s")


def share_problems(path: str, text: str, *, positive: bool = False) -> Problems:
    try:
        share = parse_percent(text)
    except ValueError as error:
        yield from_value_error(path, error)
        return
    if share > 1:
        yield Problem(path, shown(text), "must be at most 100%")
    if positive and share <= 0:
        yield Problem(path, shown(text), "must be over 0%")


def length_of(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except ValueError:
        return None


def from_value_error(path: str, error: ValueError) -> Problem:
    """The parsers say `got X, must be Y`; the path is what they cannot know."""
    got, _, allowed = str(error).removeprefix("got ").partition(", must ")
    return Problem(path, brief(got.replace("'", '"')), f"must {allowed}")
