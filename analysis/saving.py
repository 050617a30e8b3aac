"""The state of a process by itself as JSON and back, to the last bit.

For whoever runs one process in a notebook or a job of their own: harm, ratio, split, segments,
yes/no blocks, bounded and asymptotic means, lag, dispersion. A whole release has codec, which is
smaller and knows about edited specifications. Numbers are JSON numbers (their text is exact),
arrays are base85 of little-endian doubles with their shape; what follows from the spec is made
again. It knows no process: a state is a frozen dataclass of arrays, numbers and such states.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np

VERSION = 1
MADE_AGAIN = {"grid"}
State = TypeVar("State")


def state_to_json(state: Any) -> dict[str, Any]:
    """JSON values of a state, with its type and version.

    >>> from analysis.means import MeanState
    >>> state_to_json(MeanState.start().update(3.0))
    {'v': 1, 'of': 'MeanState', 'values': {'n': 1.0, 'mean': 3.0, 'squares': 0.0}}
    """
    if not is_dataclass(state) or isinstance(state, type):
        raise ValueError(f"a state must be one of this package's; came {type(state).__name__}")
    values = {
        field.name: _told(getattr(state, field.name))
        for field in fields(state)
        if field.name not in MADE_AGAIN
    }
    return {"v": VERSION, "of": type(state).__name__, "values": values}


def state_from_json(fresh: State, document: Mapping[str, Any]) -> State:
    """The state that was told, as one of the kind and shape of ``fresh`` (what ``start`` gives).

    ValueError for another version, another kind of state, another shape, or fields that are not
    those of this kind.

    >>> from analysis.means import MeanState
    >>> kept = state_to_json(MeanState.start().update(3.0))
    >>> float(state_from_json(MeanState.start(), kept).mean)
    3.0
    """
    kind = type(fresh).__name__
    if document.get("v") != VERSION:
        raise ValueError(f"state must be of version {VERSION}; came {document.get('v')!r}")
    if document.get("of") != kind:
        raise ValueError(f"state must be a {kind}; came {document.get('of')!r}")
    stored = document.get("values")
    if not isinstance(stored, Mapping):
        raise ValueError(f"a {kind} must have values by name; came {stored!r}")
    assert is_dataclass(fresh)
    assert not isinstance(fresh, type)
    names = [field.name for field in fields(fresh) if field.name not in MADE_AGAIN]
    if set(names) != set(stored):
        raise ValueError(f"a {kind} must have {', '.join(names)}; came {', '.join(stored)}")
    values = {name: _heard(name, getattr(fresh, name), stored[name]) for name in names}
    values |= {field.name: None for field in fields(fresh) if field.name in MADE_AGAIN}
    return replace(fresh, **values)


def _told(value: Any) -> Any:
    if value is None:
        return None
    if is_dataclass(value):
        return state_to_json(value)
    array = np.asarray(value)
    if array.ndim == 0:
        number = float(array)
        return number if math.isfinite(number) else str(number)
    packed = np.ascontiguousarray(array, dtype="<f8").tobytes()
    return {"shape": list(array.shape), "b85": base64.b85encode(packed).decode("ascii")}


def _heard(name: str, fresh: Any, stored: Any) -> Any:
    if is_dataclass(fresh) and not isinstance(fresh, type):
        return state_from_json(fresh, stored)
    if fresh is None or stored is None:
        if fresh is not None or stored is not None:
            raise ValueError(f"{name} must be there as in the spec; came {stored!r}")
        return None
    if isinstance(stored, Mapping):
        array = np.frombuffer(base64.b85decode(stored["b85"]), dtype="<f8")
        value = array.reshape(stored["shape"]).astype(np.asarray(fresh).dtype)
    else:
        value = np.asarray(float(stored))
    if value.shape != np.shape(fresh):
        raise ValueError(f"{name} must have shape {np.shape(fresh)}; came {value.shape}")
    if isinstance(fresh, np.ndarray | np.generic):
        return value.astype(fresh.dtype)
    return type(fresh)(value)
