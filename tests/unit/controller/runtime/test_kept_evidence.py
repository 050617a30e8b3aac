"""Evidence out of a status that somebody damaged is begun anew, and never stops or promotes."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analysis.codec import to_json
from analysis.margins import Margin
from analysis.metric import MetricSpec
from analysis.release import ReleaseSpec, ReleaseState, ReleaseTick, update
from analysis.ticks import Counts, Interval
from analysis.verdict import Verdict, assess
from controller.runtime.evidence import Run
from controller.runtime.kept_evidence import attended, restored
from tests.unit.controller.runtime.sampling import scraped
from tests.unit.controller.runtime.scripted import Shop, plan, run

ORDERS = MetricSpec("orders", "Decrease", 0.99, (Margin(0.7), Margin(0.8)), batched=True)
LATENCY = MetricSpec(
    "latency", "Increase", 1.1, (Margin(2.0, 0.05), Margin(1.5, 0.05)), tolerated_difference=0.001,
    edges=2, promotion_edges=(1,),
)  # fmt: skip
SPEC = ReleaseSpec((ORDERS, LATENCY), shares=(0.1, 0.5), cover_harm_after_s=60.0)


def counts(of: MetricSpec) -> Counts:
    each = [1.0] * of.edges if of.edges > 1 else 1.0
    hundred = [100.0] * of.edges if of.edges > 1 else 100.0
    return Counts(each, hundred, each, hundred)


def tick(number: int) -> ReleaseTick:
    interval = Interval(10.0 * number, 10.0 * number + 10.0)
    return ReleaseTick(interval, 1, 0.5, {one.name: counts(one) for one in SPEC.metrics})


def gathered() -> ReleaseState:
    state = SPEC.start()
    for number in range(20):
        state = update(SPEC, state, tick(number))
    return state


def kept(document: object) -> Run:
    made = plan(scraped(Shop()))
    made = replace(made, release=SPEC)
    return run(made, evidence=json.dumps(document), window_end=datetime.fromtimestamp(200, UTC))


def paths(value: object, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inside: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, dict):
        inside = iter(value.items())
    elif isinstance(value, list):
        inside = iter(enumerate(value))
    for key, one in inside:
        yield (*so_far, key)
        yield from paths(one, (*so_far, key))


DOCUMENT = to_json(gathered())
PATHS = list(paths(DOCUMENT))
ZEROS = "25 " + base64.b85encode(b"\0" * 200).decode()
DAMAGE: list[Any] = [
    None, 0, -5, 99, 1e400, -1e400, 10**400, "nan", "inf", "x", "2x2 abc", ZEROS, [], {}, True,
    {"i": 5}, {"i": 1e400}, {"f": "nan"}, {"f": 1e308}, 1e308, 2e11,
    {"old": None, "young": [[1, 2]]}, {"old": {"f": 1.0}, "young": []},
]  # fmt: skip


def damaged(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    inner: Any = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return document


def test_what_was_written_is_read_back() -> None:
    assert to_json(restored(kept(DOCUMENT))) == DOCUMENT
    assert restored(kept(DOCUMENT)).window_end_s == 200.0


@settings(max_examples=400)
@given(st.sampled_from(PATHS), st.sampled_from(DAMAGE))
@example(("metrics", "orders", "promote", 0, 4), 99)
@example(("metrics", "orders", "harm", 0, 12), {"i": 1e400})
@example(("metrics", "latency", "promote", 0, 1), {"i": 5})
@example(("metrics", "latency", "promote", 0, 1, "young", 0, 0), None)
@example(("metrics", "orders", "ratio", 0), "inf")
@example(("metrics", "orders", "gaps", 0), 1.0)
@example(("metrics", "orders", "gaps", 1), "nan")
@example(("metrics", "latency", "seen", 0), ZEROS)
@example(("end",), 2e11)
def test_one_damaged_field_neither_stops_nor_promotes_a_release(
    path: tuple[Any, ...], value: Any
) -> None:
    state = restored(kept(damaged(path, value)))
    before = assess(SPEC, state, step=1, step_elapsed_s=1e6)
    state = update(SPEC, state, tick(20))
    after = assess(SPEC, state, step=1, step_elapsed_s=1e6)
    assert state.window_end_s == 210.0
    assert {before.verdict, after.verdict} <= {Verdict.HOLD, Verdict.ROLLBACK}
    json.dumps(to_json(state), allow_nan=False)


@pytest.mark.parametrize("text", ["", "null", "[]", "7", "{", "[" * 100_000, '{"v": 1}'])
def test_text_that_is_no_evidence_at_all_is_none(text: str) -> None:
    state = restored(replace(kept(None), evidence=text))
    assert state.window_end_s is None
    assert attended(text) == ""


def test_evidence_that_ends_at_another_time_than_its_status_says_is_begun_anew() -> None:
    other = replace(kept(DOCUMENT), window_end=datetime.fromtimestamp(500, UTC))
    assert restored(other).window_end_s is None
