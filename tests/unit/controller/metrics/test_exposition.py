"""A pod's page in the text format: which lines are read, and what one bad line costs."""

from __future__ import annotations

import pytest

from controller.metrics.exposition import parse

NAMES = frozenset({"orders_total"})


@pytest.mark.parametrize(
    "char", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"], ids=ascii
)
def test_only_a_line_feed_ends_a_line(char: str) -> None:
    page = parse(f'orders_total{{path="/a{char}b"}} 3\norders_total{{path="/c"}} 4\n', NAMES)
    assert page.samples == (
        ("orders_total", {"path": f"/a{char}b"}, 3.0),
        ("orders_total", {"path": "/c"}, 4.0),
    )


def test_lines_may_end_as_those_of_windows_do() -> None:
    page = parse("# TYPE orders counter\r\norders_total 3\r\n", NAMES)
    assert page.samples == (("orders_total", {}, 3.0),)
    assert "orders_total" in page.declared


@pytest.mark.parametrize("line", ["# TYPE ", "# TYPE", "# TYPE \r", "#", "# TYPE\torders_total"])
def test_a_declaration_without_a_name_declares_nothing(line: str) -> None:
    page = parse(f"{line}\norders_total 3\n", NAMES)
    assert page.samples == (("orders_total", {}, 3.0),)
    assert page.declared == frozenset()


@pytest.mark.parametrize(
    "line",
    [
        "orders_total{",
        "orders_total",
        'orders_total{ ="x"} 3',
        'orders_total{a="x} 3',
        f"orders_total 1{'0' * 400}",
        f"orders_total 3 1{'0' * 400}",
    ],
)
def test_a_line_that_is_not_in_the_format_is_said_of_its_page(line: str) -> None:
    with pytest.raises(ValueError):
        parse(f"{line}\n", NAMES)
