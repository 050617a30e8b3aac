"""What a back-test asks a Prometheus for."""

import pytest

from controller.cli.backtest_fetch import filled
from controller.cli.exits import CommandError
from controller.cli.main import main
from tests.unit.controller.cli.recordings import TEMPLATE


def test_a_range_that_ends_before_it_starts_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    at = "2026-11-20T10:00:00Z"
    arguments = ["backtest", "--template", TEMPLATE, "--from", "http://x", "--canary", "c"]
    assert main([*arguments, "--stable", "s", "--start", at, "--end", at]) != 0
    assert "--end must be after --start" in capsys.readouterr().err
    assert main([*arguments, "--stable", "s", "--start", "noon", "--end", at]) != 0
    assert "a time must be as" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("orders_total", 'orders_total{pod=~"shop-.*"}'),
        ("orders_total{}", 'orders_total{pod=~"shop-.*"}'),
        ('orders_total{code="200"}', 'orders_total{code="200",pod=~"shop-.*"}'),
        ('orders_total{path=~"/a{1,2}",}', 'orders_total{path=~"/a{1,2}",pod=~"shop-.*"}'),
        ('orders_total{pod=~"{{arm.pods}}"}', 'orders_total{pod=~"shop-.*"}'),
        ('orders_total{ns="{{namespace}}"}', 'orders_total{ns="shop",pod=~"shop-.*"}'),
    ],
)
def test_a_query_is_filled_for_the_pods_of_one_arm(query: str, answer: str) -> None:
    assert filled(query, "shop-.*", "pod", "shop") == answer


def test_a_pattern_is_escaped_and_what_needs_a_cluster_is_refused() -> None:
    assert filled("x", r"shop\.1", "pod") == r'x{pod=~"shop\\.1"}'
    with pytest.raises(CommandError, match=r"only \{\{arm.pods\}\} can be filled"):
        filled('x{hash="{{arm.hash}}"}', "a", "pod")
