"""The selector grammar: what it reads, writes and refuses."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.metrics.selector import Matcher, Selector, SelectorError, parse

LABELS = st.sampled_from(["pod", "code", "namespace", "le"])
OPERATORS = st.sampled_from(["=", "!="])
VALUES = st.text(max_size=12)
MATCHERS = st.builds(Matcher, LABELS, OPERATORS, VALUES)


@given(st.builds(Selector, st.just("orders_total"), st.lists(MATCHERS, max_size=4).map(tuple)))
def test_what_is_written_is_read_back(selector: Selector) -> None:
    assert parse(str(selector)) == selector


@pytest.mark.parametrize(
    ("labels", "selected"),
    [
        ({"code": "500", "pod": "a-1"}, True),
        ({"code": "503", "pod": "a-2"}, True),
        ({"code": "200", "pod": "a-1"}, False),
        ({"code": "5000", "pod": "a-1"}, False),
        ({"pod": "a-1"}, False),
        ({"code": "500", "pod": "a-1", "probe": "yes"}, False),
    ],
)
def test_regexes_match_whole_values_and_an_absent_label_is_empty(
    labels: dict[str, str], selected: bool
) -> None:
    selector = parse("""http_requests_total{code=~"5..", pod=~'a-1|a-2', probe="" , }""")
    assert selector.matches("http_requests_total", labels) is selected
    assert not selector.matches("other_total", labels)


def test_a_long_value_is_matched_at_once_whatever_the_regex() -> None:
    selector = parse('http_requests_total{path=~"(/?[a-z]+)*/checkout"}')
    before_s = time.thread_time()
    assert not selector.matches("http_requests_total", {"path": "/" + "a" * 24 + "!"})
    assert time.thread_time() - before_s < 0.2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must start with the name"),
        ("sum(orders_total)", "column 4: expected `{` or the end, came `(`"),
        ("orders_total{pod}", 'expected `label="value"` or `}`'),
        ('orders_total{pod="a"', "expected `,` or `}`, came the end"),
        ('orders_total{pod="a"}[5m]', "expected the end, came `[`"),
        ('orders_total{pod=~"("}', "bad regex"),
        ('orders_total{pod=~"(?=a)"}', "bad regex `(?=a)`: invalid perl operator"),
    ],
)
def test_what_is_no_selector_says_where_it_stops_being_one(text: str, words: str) -> None:
    with pytest.raises(SelectorError) as refused:
        parse(text)
    assert words in str(refused.value)


def test_errors_are_a_part_of_requests_and_orders_are_not() -> None:
    requests = parse('http_requests_total{pod="a"}')
    assert parse('http_requests_total{code=~"5..",pod="a"}').narrows(requests)
    assert not parse('http_requests_total{code=~"5..",pod="b"}').narrows(requests)
    assert not parse('orders_total{pod="a"}').narrows(requests)
