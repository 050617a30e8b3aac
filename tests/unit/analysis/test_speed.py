"""Limits of time on one core; run with `-m bench`, for a busy machine would only disturb them."""

import subprocess
import sys
import time

import pytest

from benchmarks.costs import update_s

pytestmark = pytest.mark.bench


@pytest.mark.parametrize(("shape", "limit_s"), [((), 200e-6), ((20_000,), 60e-3)])
def test_an_update_keeps_its_limit(shape: tuple[int, ...], limit_s: float) -> None:
    assert update_s(shape, time.perf_counter) <= limit_s


def test_the_import_keeps_its_limit() -> None:
    code = "import time; t = time.perf_counter(); import analysis; print(time.perf_counter() - t)"
    spent = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(5)]
    assert min(spent) <= 0.25
