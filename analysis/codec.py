"""The state of a release as JSON and back, to the last bit.

Scalars are JSON numbers (their text is exact), arrays are base85 of little-endian doubles, since
a status field has little room. What follows from the spec (grids, bets) is not stored but made
again. A document of another version, one that is damaged or does not fit the spec (see stored) is a
ValueError; a metric that the document lacks begins anew, one that the spec lacks is dropped. Where
a margin was edited, the evidence against the old one says nothing about the new: that step's
promotion begins anew.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np

from analysis.dispersion import DispersionState
from analysis.gaps import BUCKETS, GapMemory
from analysis.harm import HarmState
from analysis.margins import Alternatives
from analysis.metric import MetricState
from analysis.promotion import PromotionState
from analysis.release import ReleaseSpec, ReleaseState, log_harm_of
from analysis.sequence import RatioState
from analysis.snapshots import Snapshots
from analysis.stored import check_together, fitting
from analysis.ticks import IntArray
from analysis.totals import Totals

VERSION = 1
DERIVED = {"grid", "bets"}
SEEN = ("step_expected", "step_ticks", "step_seconds", "step_exposures")
S = TypeVar("S", HarmState, PromotionState, RatioState, Totals, DispersionState)


def to_json(state: ReleaseState) -> dict[str, Any]:
    """The state as JSON values: numbers, strings, lists, dicts, null.

    >>> import json
    >>> from analysis.margins import Margin
    >>> from analysis.metric import MetricSpec
    >>> spec = ReleaseSpec((MetricSpec("o", "Decrease", 0.99, (Margin(0.9),)),), shares=(0.05,))
    >>> text = json.dumps(to_json(spec.start()), allow_nan=False)
    >>> from_json(spec, json.loads(text)).highest_log_e
    array(0.)
    """
    return {
        "v": VERSION,
        "end": state.window_end_s,
        "step": _pack(state.step),
        "start": _pack(state.step_start_s),
        "high": _pack(state.highest_log_e),
        "metrics": {name: _metric_to_json(metric) for name, metric in state.metrics.items()},
    }


def from_json(spec: ReleaseSpec, document: Mapping[str, Any]) -> ReleaseState:
    """The state that ``to_json`` wrote, for the same spec or one whose metrics were edited.

    ValueError where the document is another's, is damaged in any way, or does not fit the spec.
    """
    try:
        state = _read(spec, document)
    except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ValueError(f"stored evidence has another form: {error!r}") from error
    if np.isnan(log_harm_of(spec, state.metrics)).any():
        raise ValueError("stored evidence is not a number")
    return state


def _read(spec: ReleaseSpec, document: Mapping[str, Any]) -> ReleaseState:
    if document.get("v") != VERSION:
        raise ValueError(f"state must be of version {VERSION}; came {document.get('v')!r}")
    fresh = spec.start()
    stored = document["metrics"]
    end_s = document["end"]
    if end_s is not None:
        end_s = fitting("the release", "end", 0.0, end_s)
    step, start_s, high = (
        fitting("the release", name, getattr(fresh, name), _unpack(document[key]))
        for name, key in (("step", "step"), ("step_start_s", "start"), ("highest_log_e", "high"))
    )
    if start_s > (0.0 if end_s is None else end_s):
        raise ValueError(f"stored step began at {start_s}, after the release's end, {end_s}")
    if not step < len(spec.shares):
        raise ValueError(f"stored step {step} is none of the {len(spec.shares)} of the spec")
    metrics = {
        name: _metric_from_json(name, kept, stored[name]) if name in stored else kept
        for name, kept in fresh.metrics.items()
    }
    for name, metric in metrics.items():
        check_together(name, metric, int(step), end_s, spec.missing_window_s / BUCKETS)
    return ReleaseState(metrics, high, step, start_s, end_s)


def _metric_to_json(state: MetricState) -> dict[str, Any]:
    return {
        "harm": [_flat(side) for side in state.harm],
        "promote": [_flat(side) for side in state.promotion],
        "bets": [_bets_of(side.bets, side.step) for side in state.promotion],
        "ratio": _flat(state.ratio),
        "totals": _flat(state.totals),
        "seen": [_pack(getattr(state, name)) for name in SEEN],
        "gaps": [_pack(state.gaps.seconds), state.gaps.bucket, state.gaps.window_end_s],
        "phi": None if state.dispersion is None else _flat(state.dispersion),
        "no_data": state.no_data,
    }


def _metric_from_json(name: str, fresh: MetricState, stored: Mapping[str, Any]) -> MetricState:
    if len(stored["harm"]) != len(fresh.harm) or len(stored["promote"]) != len(fresh.promotion):
        raise ValueError(
            f"stored state of {name} watches {len(stored['harm'])} sides, "
            f"the spec {len(fresh.harm)}; a changed direction needs a new state"
        )
    # A state of before margins could be edited does not say which ones it was gathered against.
    bets = stored.get("bets") or [None] * len(fresh.promotion)
    totals = _filled(name, fresh.totals, stored["totals"])
    # A state of before shares were looked at does not tell the step's exposures from all of them.
    seen = {"step_exposures": totals.canary_exposures}
    seen |= zip(SEEN, map(_unpack, stored["seen"]), strict=False)
    return replace(
        fresh,
        harm=tuple(_filled(name, f, s) for f, s in zip(fresh.harm, stored["harm"], strict=True)),
        promotion=tuple(
            _promotion(name, fresh_side, side, against)
            for fresh_side, side, against in zip(
                fresh.promotion, stored["promote"], bets, strict=True
            )
        ),
        ratio=_filled(name, fresh.ratio, stored["ratio"]),
        totals=totals,
        **{key: fitting(name, key, getattr(fresh, key), seen[key]) for key in SEEN},
        gaps=_gaps(name, fresh.gaps, *stored["gaps"]),
        dispersion=_dispersion(name, fresh.dispersion, stored["phi"]),
        no_data=None if stored["no_data"] is None else str(stored["no_data"]),
    )


def _gaps(name: str, fresh: GapMemory, seconds: Any, bucket: Any, end_s: Any) -> GapMemory:
    return GapMemory(
        fitting(name, "gaps", fresh.seconds, _unpack(seconds)),
        None if bucket is None else fitting(name, "bucket", 0, bucket),
        None if end_s is None else fitting(name, "window_end_s", 0.0, end_s),
    )


def _promotion(
    name: str, fresh: PromotionState, stored: list[Any], bets: int | None
) -> PromotionState:
    """What was stored; only the pace of the traffic if it was gathered against other margins."""
    state = _filled(name, fresh, stored)
    if _bets_of(fresh.bets, state.step) == bets:
        return state
    return replace(
        fresh, events=state.events, exposures=state.exposures, seconds=state.seconds,
        window_end_s=state.window_end_s,
    )  # fmt: skip


def _bets_of(bets: Alternatives, step: IntArray) -> int:
    """A number that is another one where the bets of the step in hand are others."""
    rows = np.maximum(np.asarray(step), 0)
    # Only what the margins say in so many words: a logarithm may differ from machine to machine.
    parts = (bets.edge[rows], bets.difference[rows], np.isfinite(bets.log_weight[rows]))
    return zlib.crc32(b"".join(np.ascontiguousarray(part).tobytes() for part in parts))


def _dispersion(name: str, fresh: DispersionState | None, stored: Any) -> DispersionState | None:
    """What was measured, if the spec still asks for it; from nothing if it asks for it anew."""
    return fresh if fresh is None or stored is None else _filled(name, fresh, stored)


def _flat(state: Any) -> list[Any]:
    """The stored fields of a state in their order; shorter than an object with names."""
    return [_pack(getattr(state, f.name)) for f in fields(state) if f.name not in DERIVED]


def _filled(where: str, fresh: S, stored: list[Any]) -> S:
    names = [f.name for f in fields(fresh) if f.name not in DERIVED]
    if len(names) != len(stored):
        raise ValueError(
            f"stored {type(fresh).__name__} of {where} has {len(stored)} fields, not {len(names)}"
        )
    values: dict[str, Any] = {
        name: fitting(where, name, getattr(fresh, name), _unpack(kept))
        for name, kept in zip(names, stored, strict=True)
    }
    if isinstance(fresh, HarmState):
        values["grid"] = None
    return replace(fresh, **values)


def _pack(value: Any) -> Any:
    match value:
        case None:
            return None
        case Snapshots():
            young = [[at_s, _pack(sums)] for at_s, sums in value.young]
            return {"old": _pack(value.old), "young": young}
        case np.ndarray() | np.generic():
            return _pack_array(np.asarray(value, dtype="<f8"))
        case int():
            return {"i": value}
        case _:
            return {"f": _number(value)}


def _pack_array(array: np.ndarray[Any, np.dtype[np.float64]]) -> Any:
    if array.ndim == 0:
        return _number(float(array))
    shape = "x".join(str(n) for n in array.shape)
    return f"{shape} {base64.b85encode(array.tobytes()).decode('ascii')}"


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _unpack(stored: Any) -> Any:
    match stored:
        case None:
            return None
        case {"old": old, "young": young}:
            return Snapshots(_unpack(old), tuple((at_s, _unpack(sums)) for at_s, sums in young))
        case {"i": value}:
            return int(value)
        case {"f": value}:
            return float(value)
        case str() if " " in stored:
            shape, data = stored.split(" ", 1)
            array = np.frombuffer(base64.b85decode(data), dtype="<f8")
            return array.reshape([int(n) for n in shape.split("x")]).astype(np.float64)
    return np.asarray(float(stored))
