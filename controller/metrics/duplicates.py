"""Whether two series of one answer are one counter that was read twice.

Two Prometheus servers of a pair, two scrape jobs for one pod, or a job that finds a pod once for
each of its containers, give each sample twice. Summed up, every event would count twice, and
evidence would be claimed that nobody has. Pure; it knows which labels Prometheus and its operator
put on a target, and nothing of queries. Called by `metrics.prometheus_queries`.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from controller.metrics.port import Series

READERS: Final = frozenset({"job", "prometheus", "prometheus_replica", "replica"})
"""Say who reads a target. What differs in these alone is one counter."""
WAYS: Final = frozenset({"endpoint", "service"})
"""Say by which way a target was found, if the Prometheus operator wrote them; a program of its own
may mean something else, as `endpoint="/cart"`. Then only the samples can tell."""
WAYS_TO_A_POD: Final = WAYS | {"cluster", "container", "instance", "metrics_path", "receive"}
"""The same of what is known to be one pod's; without a pod, `instance` alone tells two targets of
equal traffic apart."""
SAME_MOMENT_S: Final = 0.25
"""Two reads so close together may see the counter in the other order."""

Sample = tuple[float, float]


def read_twice(series: Iterable[Series]) -> str | None:
    """Why the sum of these series would count something twice, in words; None if it would not.

    >>> def read(job, *samples): return Series("a_total", (("job", job), ("pod", "p")), samples)
    >>> print(read_twice([read("pods", (0, 5)), read("services", (1, 5))]))
    a_total {'pod': 'p'} is read twice, by job pods and job services; choose one in the query
    """
    for alike in _alike(series):
        for one, other in itertools.pairwise(alike):
            differing = sorted(set(dict({*one.labels} ^ {*other.labels})))
            if READERS & set(differing) or _one_counter(one.samples, other.samples):
                return _words(one, other, differing)
    return None


def _alike(series: Iterable[Series]) -> Iterator[list[Series]]:
    """Groups that differ only in the labels above, neighbours by value beside each other."""
    groups: dict[object, list[Series]] = defaultdict(list)
    for one in series:
        ways = READERS | (WAYS_TO_A_POD if one.label("pod") else WAYS)
        rest = tuple(label for label in one.labels if label[0] not in ways)
        groups[one.name, rest].append(one)
    for group in groups.values():
        if len(group) > 1:
            yield sorted(group, key=lambda one: (one.samples[-1][1], one.labels))


def _one_counter(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    """Whether only one counter can have both courses. One page, read once, shows both series at the
    same moments: then they are two, unless they are equal all along."""
    if [at_s for at_s, _ in one] == [at_s for at_s, _ in other] and one != other:
        return False
    return _one_course(one, other)


def _one_course(one: Sequence[Sample], other: Sequence[Sample]) -> bool:
    """Whether the samples of both, by time, rise as those of one counter that is read twice.

    Both must rise: of two that stand still nothing can be told, and nothing is counted.
    """
    if not all(any(b[1] > a[1] for a, b in itertools.pairwise(each)) for each in (one, other)):
        return False
    return _falls(sorted((*one, *other))) <= max(_falls(one), _falls(other))


def _falls(samples: Sequence[Sample]) -> int:
    """How often the value is lower than before: at a restart, or where two counters are mixed."""
    steps = itertools.pairwise(samples)
    return sum(b[1] < a[1] for a, b in steps if b[0] - a[0] >= SAME_MOMENT_S)


def _words(one: Series, other: Series, differing: Sequence[str]) -> str:
    shared = {name: value for name, value in one.labels if name not in differing}
    first, second = (
        ", ".join(f"{name} {each.label(name) or '(none)'}" for name in differing)
        for each in (one, other)
    )
    return f"{one.name} {shared} is read twice, by {first} and {second}; choose one in the query"
