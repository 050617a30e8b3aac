"""The picture that the demo leaves behind: weight, order rates and evidence over time."""

from __future__ import annotations

from pathlib import Path

from controller.local.demo.play import Record


def draw(record: Record, path: Path) -> None:
    """Write the picture as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    start = record.moments[0].at
    times = [m.at - start for m in record.moments]
    figure, (weight, orders, evidence) = plt.subplots(
        3, 1, figsize=(11, 8), sharex=True, constrained_layout=True
    )
    weight.step(times, [m.weight for m in record.moments], where="post", color="tab:blue")
    weight.set_ylabel("canary weight, %")
    seconds = record.ledger.by_second()
    rates = [(at - start, s.tried, s.placed) for at, s in seconds.items() if at - start > 0][:-1]
    orders.plot([r[0] for r in rates], [r[1] for r in rates], color="0.6", label="tried")
    orders.plot([r[0] for r in rates], [r[2] for r in rates], color="tab:green", label="placed")
    orders.set_ylim(bottom=0)
    orders.set_ylabel("orders a second")
    orders.legend(loc="lower right")
    harm = [max(-3.0, m.log_harm) for m in record.moments]
    evidence.plot(times, harm, color="tab:red", label="evidence of harm (ln E)")
    threshold = max((m.log_threshold for m in record.moments), default=0.0)
    evidence.axhline(threshold, color="0.3", linestyle="--", label="rollback threshold")
    evidence.set_ylim(-3, 2 * max(threshold, 1))
    evidence.set_ylabel("nats")
    evidence.set_xlabel("seconds")
    evidence.legend(loc="upper right")
    for e in record.ended:
        for axis in (weight, orders, evidence):
            axis.axvspan(e.began - start, e.ended - start, color="0.5", alpha=0.07)
        where = (e.began - start, weight.get_ylim()[1])
        weight.annotate(f" {e.release.version}: {e.outcome}", where, va="top", fontsize=9)
    figure.savefig(path, dpi=110)
    plt.close(figure)
