"""Recordings of one canary pod and a few stable ones, made from a fixed seed."""

from typing import Any

import numpy as np

from analysis.recording import Recording


def recorded_document(
    ratio: float = 1.0, seconds: int = 900, *, pods: int = 9, bias: float = 1.0
) -> dict[str, Any]:
    """Counters scraped each 10 s; ``bias``: what the first stable pod's orders are more or less."""
    rng = np.random.default_rng(1)

    def pod(name: str, true: float) -> dict[str, dict[str, list[list[float]]]]:
        sessions = np.cumsum(rng.poisson(1667, seconds // 10 + 1))
        orders = np.cumsum(rng.poisson(50 * true, seconds // 10 + 1))
        at = range(0, seconds + 1, 10)
        return {
            "events": {f"{name}/a": [[t, float(v)] for t, v in zip(at, orders, strict=True)]},
            "exposures": {f"{name}/a": [[t, float(v)] for t, v in zip(at, sessions, strict=True)]},
        }

    stable = [pod(f"s{i}", bias if i == 0 else 1.0) for i in range(pods)]
    baseline = {
        part: {key: value for one in stable for key, value in one[part].items()}
        for part in ("events", "exposures")
    }
    arms = {"canary": pod("c", ratio), "baseline": baseline}
    return {"start_s": 0, "end_s": seconds, "metrics": {"orders": arms}}


def recorded(
    ratio: float = 1.0, seconds: int = 900, *, pods: int = 9, bias: float = 1.0
) -> Recording:
    """The same, parsed."""
    return Recording.parse(recorded_document(ratio, seconds, pods=pods, bias=bias))
