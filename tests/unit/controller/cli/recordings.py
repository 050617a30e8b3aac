"""A recording of one canary and nine stable pods, and the template that judges it."""

import json
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[4]
TEMPLATE = str(ROOT / "examples" / "shop" / "analysistemplate.yaml")


def recording(path: Path, ratio: float, *, slow: float = 1.0) -> str:
    """One canary pod with ``ratio`` of the orders and ``slow`` times the slow requests, nine
    stable ones; errors at the same rate."""
    rng, at = np.random.default_rng(1), range(0, 901, 10)

    def pod(name: str, share: float, true: float) -> dict[str, dict[str, Any]]:
        rates = {"exposures": 16_667 * share, "orders": 500 * share * true, "errors": 50 * share}
        return {
            what: {
                f"{name}/x": [
                    [t, float(v)]
                    for t, v in zip(at, np.cumsum(rng.poisson(rate, len(at))), strict=True)
                ]
            }
            for what, rate in rates.items()
        }

    arms = {
        "canary": [pod("c", 0.01, ratio)],
        "baseline": [pod(f"s{i}", 0.11, 1.0) for i in range(9)],
    }
    joined = {
        arm: {what: {k: v for pod in pods for k, v in pod[what].items()} for what in pods[0]}
        for arm, pods in arms.items()
    }
    metrics = {
        metric: {
            arm: {"events": of[metric], "exposures": of["exposures"]} for arm, of in joined.items()
        }
        for metric in ("orders", "errors")
    }
    metrics["latency"] = {
        "canary": {"buckets": buckets("c", 167, slow)},
        "baseline": {"buckets": buckets("s0", 16_500, 1.0)},
    }
    path.write_text(json.dumps({"start_s": 0, "end_s": 900, "metrics": metrics}))
    return str(path)


def buckets(pod: str, per_tick: int, slow: float) -> dict[str, list[list[float]]]:
    """A latency histogram without noise: 30% over 0.1 s, 10% over 0.3 s, 2% over 1 s."""
    return {
        f"{pod}/le={bound}": [
            [t, round(per_tick * t / 10 * (1 - slow * over))] for t in range(0, 901, 10)
        ]
        for bound, over in (("0.1", 0.3), ("0.3", 0.1), ("1", 0.02), ("+Inf", 0.0))
    }
