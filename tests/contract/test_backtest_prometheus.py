"""The back-test reads a real Prometheus: raw samples of both arms, restarts, histograms, A/A."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from controller.cli.main import main
from tests.contract.served import prometheus_of

pytestmark = pytest.mark.e2e

TEMPLATE = """
apiVersion: blastdoor.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: shop, namespace: shop}
spec:
  provider: {scrape: {port: 8080}}  # unused: the samples come from the server of the test
  tick: 1s
  bake: 10s
  minEvidence: 20
  metrics:
  - {name: orders, harm: Decrease, events: orders_total, exposures: sessions_total, weight: 0.5}
  - {name: latency, histogram: 'seconds_bucket{job="shop"}', slo: 300ms, weight: 0.5}
"""
BASE, SCRAPES = 4, 28
PODS = ("c-1", "s-1", "s-2", "s-3")


@dataclass
class Shop:
    """One canary that loses all orders and three good pods; one of them restarts half-way."""

    scrapes: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def metrics(self, _: web.Request) -> web.Response:
        self.scrapes += 1
        if self.scrapes >= BASE:
            self.begun.set()
        if self.scrapes >= SCRAPES:
            self.done.set()
        return web.Response(text="\n".join(line for pod in PODS for line in self.pod(pod)) + "\n")

    def pod(self, name: str) -> list[str]:
        count = self.scrapes
        if name == "s-1" and count > SCRAPES // 2:
            count -= SCRAPES // 2
        orders = 0 if name == "c-1" else 10 * count
        lines = [
            f'orders_total{{pod="{name}"}} {orders}',
            f'sessions_total{{pod="{name}"}} {100 * count}',
        ]
        for bound, part in (("0.1", 60), ("0.3", 90), ("1", 99), ("+Inf", 100)):
            lines.append(f'seconds_bucket{{pod="{name}",le="{bound}"}} {part * count}')
        return lines


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[tuple[str, str, str]]:
    """The server's address, and the first and last instant of what it scraped."""
    shop = Shop()
    async with prometheus_of(shop.metrics) as prometheus:
        async with asyncio.timeout(60):
            await shop.begun.wait()
            start_s = time.clock_gettime(time.CLOCK_REALTIME)
            await shop.done.wait()
        end_s = time.clock_gettime(time.CLOCK_REALTIME)
        yield prometheus.url, _text(start_s), _text(end_s)


def _text(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()


async def backtest(
    served: tuple[str, str, str], tmp_path: Path, *more: str, template: str = TEMPLATE
) -> int:
    """The command, as a person types it; the loop stays free to serve scrapes."""
    url, start, end = served
    file = tmp_path / "shop.yaml"
    file.write_text(template)
    fixed = ["backtest", "--template", str(file), "--from", url, "--start", start, "--end", end]
    return await asyncio.to_thread(main, [*fixed, "--stable", "s-.*", *more])


@pytest.mark.asyncio(loop_scope="module")
async def test_a_canary_without_orders_would_have_been_taken_back(
    served: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await backtest(served, tmp_path, "--canary", "c-.*", "--steps", "25") == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert "ROLLBACK" in last
    assert "orders" in last


@pytest.mark.asyncio(loop_scope="module")
async def test_a_restart_of_one_stable_pod_is_no_loss_and_histograms_are_compared(
    served: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--canary", "s-1", "--stable", "s-[23]", "--steps", "33", "-o", "json")
    assert await backtest(served, tmp_path, *arguments) == 0
    told: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert all(moment["logE"] < 1.0 for moment in told)
    # what is missing is the bake: both metrics had data and no evidence of harm
    assert told[-1]["reason"] not in ("NoData", "DataMissing")


@pytest.mark.asyncio(loop_scope="module")
async def test_an_aa_test_needs_no_canary_and_reports_each_pod(
    served: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await backtest(served, tmp_path, "--aa", "3", "-o", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["splits"], told["alarms"]) == (3, 0)
    assert told["pods"]["orders"]["pods"] == 3


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_server_refuses_or_does_not_label_is_said(
    served: tuple[str, str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("--canary", "c-1", "--pod-label", "instance")
    assert await backtest(served, tmp_path, *wrong) != 0
    assert "no series of any metric has instance=~'c-1'" in capsys.readouterr().err
    everyone = TEMPLATE.replace("orders_total", "'orders_total{pod!=\"{{arm.pods}}\"}'")
    more = ("--canary", "c-1", "--pod-label", "host")
    assert await backtest(served, tmp_path, *more, template=everyone) != 0
    assert "has no label host; name the one" in capsys.readouterr().err
    assert await backtest(served, tmp_path, "--canary", "(") != 0
    assert "HTTP" in capsys.readouterr().err
    gone = ("http://127.0.0.1:9", *served[1:])
    assert await backtest(gone, tmp_path, "--canary", "c-1") != 0
    assert "http://127.0.0.1:9" in capsys.readouterr().err
