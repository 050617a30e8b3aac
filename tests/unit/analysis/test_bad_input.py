"""Every public entry of `analysis` refuses what cannot be: it says what came and what is allowed.

`CALLS` holds one good call of each entry. Each of its numbers is then replaced by NaN, infinity, a
negative one and so on, one at a time: the call must raise a ValueError of a whole sentence, or,
where `TAKES` says so, give an answer without a warning. A public name that is neither in `CALLS`
nor among the plain values fails the test.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import analysis as a
from tests.unit.analysis.calls import CALLS, COUNTS, HARM, INF, NAN, SAFE, SEGMENTS, SPEC, TICK

BAD_NUMBERS = (NAN, INF, -INF, -1.0)
TAKES: dict[str, dict[str, tuple[float | str, ...]]] = {
    "CounterPolicy": {"forget_s": (INF,)},
    "Interval": {"start_s": (-1.0,)},
    "Recording": {"start_s": (-1.0,)},
    # a bake or a least number of ticks without end is a release that never goes up
    "ReleaseSpec": {
        "tick_s": (INF,),
        "bake_s": (INF,),
        "warm_up_s": (INF,),
        "min_events": (INF,),
        "min_ticks": (INF,),
        "missing_window_s": (INF,),
        "start_spacing_s": (INF,),
    },
    "Scenario": {
        "name": ("nonsense",),
        "until_s": (INF,),
        "gap_every_s": (INF,),
        "orders_per_event": (-1.0,),
    },
    "WatermarkSpec": {"origin_s": (-1.0,)},
    "add_arrivals": {"at_s": (-1.0,), "watermark_s": (-1.0,)},
    "assess": {"step_elapsed_s": (INF,)},
    "block_bootstrap": {"ticks": (-1.0,)},
    "crossing_probability": {"z": (INF,)},
    "cuped": {"pre": (-1.0,), "post": (-1.0,)},
    "cuped_adjusted": {"y": (-1.0,), "x": (-1.0,)},
    "guilty_by_ebh": {"log_e": (INF, -INF, -1.0)},
    "guilty_by_holm": {"log_e": (INF, -INF, -1.0)},
    "kolmogorov_smirnov": {"x": (-1.0,), "y": (-1.0,)},
    "mann_whitney": {"x": (-1.0,), "y": (-1.0,)},
    "mean_test": {"mean": (-1.0,)},
    "native_buckets": {"to": (-1.0,)},
    "native_counts": {"schema": (-1.0,)},
    "quantile_difference_p": {"canary": (-1.0,), "baseline": (-1.0,)},
    "quantile_interval": {"sample": (-1.0,)},
    "shift_interval": {"x": (-1.0,), "y": (-1.0,)},
    "update_bounded": {"value": (NAN,)},
}
"""What is odd and yet has a meaning, by entry and parameter."""

CHECKED_BEFORE = {
    "bounded_interval", "close_ticks", "fold_samples", "from_json", "joint_evidence",
    "log_evidence", "log_evidence_of_segments", "log_evidence_of_step", "log_evidence_to_promote",
    "mean_evidence", "pair_buckets", "pair_samples", "pod_effects", "promotion_evidence", "replay",
    "signals", "state_from_json", "state_to_json", "to_json", "turning_points",
    "update_dispersion", "update_harm", "update_promotion",
    "update_ratio", "update_segments",
}  # fmt: skip
"""They take specifications, states, ticks and evidence, which were checked when they were made."""
IN_THEIR_OWN_FILES = {
    "HarmSpec", "PromotionSpec", "fitting_ladder", "planned", "seconds_to_promote", "start_mixture",
}  # fmt: skip


def with_bad(value: Any, bad: Any) -> Any:
    """``value`` with its first number replaced."""
    if isinstance(value, dict):
        return dict.fromkeys(value, bad)
    if isinstance(value, list) and isinstance(value[0], list):
        return [[bad, *value[0][1:]], *value[1:]]
    if isinstance(value, list | tuple):
        return type(value)([bad, *value[1:]])
    return bad


def numeric(value: Any) -> bool:
    inner = next(iter(value.values())) if isinstance(value, dict) else value
    while isinstance(inner, list | tuple):
        inner = inner[0]
    return isinstance(inner, int | float)


def replacements() -> list[tuple[str, str, Any]]:
    return [
        (name, parameter, bad)
        for name, (_, good) in CALLS.items()
        for parameter, value in good.items()
        for bad in spoilt(value)
    ]


def spoilt(value: Any) -> tuple[float | str, ...]:
    """What to put in the place of an argument of this kind."""
    if numeric(value):
        return BAD_NUMBERS
    return ("nonsense",) if isinstance(value, str) else ()


def has_a_meaning(name: str, parameter: str, bad: float | str) -> bool:
    """Whether the table says that the entry takes it; NaN is equal to none, so by its text."""
    return str(bad) in map(str, TAKES.get(name, {}).get(parameter, ()))


@pytest.mark.parametrize(("name", "parameter", "bad"), replacements())
def test_one_bad_number_is_refused_in_a_sentence(name: str, parameter: str, bad: Any) -> None:
    call, good = CALLS[name]
    arguments = {**good, parameter: with_bad(good[parameter], bad)}
    if has_a_meaning(name, parameter, bad):
        call(**arguments)
        return
    with pytest.raises(ValueError, match=r"came|tighter than") as refused:
        call(**arguments)
    assert len(str(refused.value).split()) >= 5


@pytest.mark.parametrize("name", CALLS)
def test_the_good_call_is_good(name: str) -> None:
    call, good = CALLS[name]
    call(**good)


def test_every_public_entry_is_in_one_of_the_tables() -> None:
    tables = {name.split()[0] for name in CALLS} | CHECKED_BEFORE | IN_THEIR_OWN_FILES
    entries = {name for name in a.__all__ if checks_something(getattr(a, name))}
    assert entries - tables == set()


def checks_something(value: Any) -> bool:
    """Functions, and specifications with a check of their own; results and states are plain."""
    if inspect.isclass(value):
        plain = issubclass(value, tuple | enum.Enum)
        return not plain and ("__post_init__" in vars(value) or value in (a.Counts, a.Recommended))
    return inspect.isfunction(value)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: a.Counts(-1, 9, 2, 9), "canary events must be finite and >= 0; came -1"),
        (lambda: a.Counts([1, 2], 9, [NAN, 1], 9), "baseline events must be finite and >= 0"),
        (lambda: a.Counts(10, 9, 2, 9, bounded=True), "more events than exposures; came canary"),
        (lambda: a.Counts(1, 9, 10, 9, bounded=True), "more events than exposures; came baseline"),
        (
            lambda: a.update_harm(HARM, a.update_harm(HARM, HARM.start(), TICK), half_old()),
            "ticks must be disjoint and in order",
        ),
        (
            lambda: a.update_promotion(
                SAFE, a.update_promotion(SAFE, SAFE.start(), TICK), half_old()
            ),
            "ticks must be disjoint and in order",
        ),
        (
            lambda: a.update(SPEC, a.update(SPEC, SPEC.start(), release(0, 10)), release(5, 15)),
            "ticks must be disjoint and in order",
        ),
        (
            lambda: a.update_segments(
                SEGMENTS, a.update_segments(SEGMENTS, SEGMENTS.start(), parts(0, 10)), parts(5, 15)
            ),
            "ticks must be disjoint and in order",
        ),
        (
            lambda: a.fold_samples(
                a.CounterState(window_end_s=10.0), {}, a.Interval(5, 15), a.CounterPolicy()
            ),
            "ticks must be disjoint and in order",
        ),
        (lambda: a.HarmSpec("Down", 0.9), "direction must be Decrease or Increase; came 'Down'"),  # type: ignore[arg-type]
        (lambda: a.MetricSpec("o", "Up", 0.9, ()), "must be Decrease, Increase or Both; came 'Up'"),  # type: ignore[arg-type]
        (lambda: a.HarmSpec("Decrease", 1.2), r"must lie in \(0, 1\]; came 1.2"),
        (lambda: a.HarmSpec("Decrease", 0.9, alpha=1.0), r"alpha must lie inside \(0, 0.5\)"),
        (lambda: a.PromotionSpec("Decrease", (None,), beta=0.0), r"beta must lie inside \(0, 1\)"),
        (
            lambda: a.MetricSpec("o", "Decrease", 0.9, (a.Margin(0.95),)),
            "margin 0.95 of o is tighter than the tolerated ratio 0.9",
        ),
        (
            lambda: a.MetricSpec(
                "e", "Increase", 1.1, (a.Margin(1.5, 0.001),), tolerated_difference=0.01
            ),
            "margin 0.001 of e is tighter than the tolerated difference 0.01",
        ),
        (
            lambda: a.update(SPEC, SPEC.start(), release(0, 10, step=1)),
            "step must be below 1; came",
        ),
        (lambda: a.from_json(SPEC, {"v": 99}), "state must be of version 1; came 99"),
        (lambda: a.Margin(), "a margin needs a ratio, a difference, or both"),
    ],
)
def test_what_a_release_cannot_use_is_named(call: Callable[[], Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()


def half_old() -> a.Tick:
    """A tick that began before the last one ended."""
    return a.Tick(a.Interval(5.0, 15.0), COUNTS, 0.1)


def release(start_s: float, end_s: float, step: int = 0) -> a.ReleaseTick:
    return a.ReleaseTick(a.Interval(start_s, end_s), step, 0.1, {"orders": COUNTS})


def parts(start_s: float, end_s: float) -> a.Tick:
    two = a.Counts([1.0, 1.0], [9.0, 9.0], [1.0, 1.0], [9.0, 9.0])
    return a.Tick(a.Interval(start_s, end_s), two, 0.1)


MARGINS = (a.Margin(0.9),)
REFUSED: dict[str, Callable[[], object]] = {
    "expected_rate": lambda: a.HarmSpec("Decrease", 0.99, expected_rate=-1.0),
    "starts": lambda: a.HarmSpec("Decrease", 0.99, starts=NAN),  # type: ignore[arg-type]
    "truncate_nats": lambda: a.HarmSpec("Decrease", 0.99, truncate_nats=INF),
    "direction": lambda: a.PromotionSpec("Down", MARGINS),  # type: ignore[arg-type]
    "truncate_nats of a promotion": lambda: a.PromotionSpec("Decrease", MARGINS, truncate_nats=-1),
    "tolerated_ratio": lambda: a.MetricSpec("orders", "Decrease", NAN, MARGINS),
    "expected_rate of a metric": lambda: a.MetricSpec(
        "orders", "Decrease", 0.99, MARGINS, expected_rate=-1.0
    ),
    "an excess margin on the harmful side": lambda: a.MetricSpec(
        "orders", "Decrease", 0.99, MARGINS, excess_margins=MARGINS
    ),
    "start masses": lambda: a.start_mixture([0.0, 0.0], [NAN, 0.5]),
    "log_increments": lambda: a.start_mixture([NAN, 0.0], [0.5, 0.5]),
    "beta": lambda: a.seconds_to_promote([1.0], 1.5),
    "bake_s": lambda: a.planned((0.1,), (0.2,), 10.0, bake_s=NAN),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_core_specifications_refuse_it_too(what: str) -> None:
    with pytest.raises(ValueError, match="must"):
        REFUSED[what]()
