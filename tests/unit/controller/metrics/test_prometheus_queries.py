"""The prometheus plug-in's pure half: few queries, and answers dealt out to their questions."""

from collections.abc import Sequence
from typing import Any

import pytest

from controller.metrics import prometheus_queries
from controller.metrics.port import MOST_SERIES, NoData, Samples, Wanted, Window
from controller.metrics.prometheus_queries import Query

WINDOW = Window(100.0, 130.0)


def orders(pods: str, namespace: str = "shop", arm: Any = "canary") -> Wanted:
    query = f'orders_total{{namespace="{namespace}",pod=~"{pods}"}}'
    return Wanted("orders", "events", arm, query)


def series(pod: str, *values: str, namespace: str = "shop", **more: str) -> dict[str, Any]:
    labels = {"__name__": "orders_total", "namespace": namespace, "pod": pod, **more}
    return {"metric": labels, "values": [[101.0 + i, v] for i, v in enumerate(values)]}


def dealt(wanted: Sequence[Wanted], *result: Any) -> list[Any]:
    query = Query("q", 130.0, tuple(wanted))
    answers = prometheus_queries.parse(query, list(result))
    return [answers[one] for one in wanted]


def test_both_arms_and_many_releases_share_one_query() -> None:
    wanted = [orders("c-1"), orders("s-1|s-2", arm="stable"), orders("x-1", "other")]
    (query,) = prometheus_queries.plan(wanted, WINDOW)
    assert query.text == ('orders_total{namespace=~"other|shop",pod=~"c-1|s-1|s-2|x-1"}[30000ms]')
    assert query.at_s == 130.0
    assert query.parts == tuple(wanted)


def test_an_answer_is_dealt_out_by_the_labels_of_its_series() -> None:
    canary, stable, other = orders("c-1"), orders("s-1|s-2", arm="stable"), orders("c-1", "other")
    answers = dealt(
        [canary, stable, other],
        series("c-1", "5", "7"), series("s-1", "1"), series("s-2", "2"),
    )  # fmt: skip
    assert [s.label("pod") for s in answers[0].series] == ["c-1"]
    assert answers[0].series[0].samples == ((101.0, 5.0), (102.0, 7.0))
    assert [s.label("pod") for s in answers[1].series] == ["s-1", "s-2"]
    assert isinstance(answers[2], NoData)
    assert answers[2].empty


def test_queries_of_another_form_are_asked_alone() -> None:
    wanted = [
        orders("c-1"),
        Wanted("orders", "events", "stable", 'orders_total{pod="s-1"}'),
        Wanted("orders", "events", "stable", 'orders_total{namespace!="x",pod=~"s-1"}'),
        Wanted("sum", "events", "stable", "sum(orders_total)"),
        Wanted("odd", "events", "stable", 'orders_total{namespace="shop",pod=~"(?i)S-1"}'),
    ]
    assert len(prometheus_queries.plan(wanted, WINDOW)) == len(wanted)


def test_one_query_carries_a_bounded_number_of_questions() -> None:
    queries = prometheus_queries.plan([orders(f"c-{i}") for i in range(150)], WINDOW)
    assert [len(query.parts) for query in queries] == [64, 64, 22]
    long = [orders("|".join(f"checkout-{i}-{j}" for j in range(60))) for i in range(12)]
    queries = prometheus_queries.plan(long, WINDOW)
    assert sum(len(query.parts) for query in queries) == 12
    assert all(len(query.text) < 5_000 for query in queries)


def test_a_nan_silences_its_own_question_and_no_other() -> None:
    first, second = dealt([orders("c-1"), orders("c-2")], series("c-1", "NaN"), series("c-2", "3"))
    assert isinstance(second, Samples)
    assert isinstance(first, NoData)
    assert not first.empty
    assert "NaN" in first.reason
    assert "metric orders, events of the canary arm" in first.reason
    assert 'query: orders_total{namespace="shop",pod=~"c-1"}' in first.reason


def test_a_counter_that_two_servers_give_is_no_data_for_its_own_question_only() -> None:
    first, second = dealt(
        [orders("c-1"), orders("c-2")],
        series("c-1", "3", replica="a"), series("c-1", "3", replica="b"), series("c-2", "3"),
    )  # fmt: skip
    assert isinstance(second, Samples)
    assert isinstance(first, NoData)
    assert not first.empty
    assert "is read twice, by replica a and replica b; choose one in the query" in first.reason


def test_a_question_that_selects_too_many_series_is_no_data_and_others_go_on() -> None:
    many = [series("c-1", "3", path=f"/{i}") for i in range(MOST_SERIES + 1)]
    first, second = dealt([orders("c-1"), orders("c-2")], *many, series("c-2", "3"))
    assert isinstance(second, Samples)
    assert isinstance(first, NoData)
    assert not first.empty
    assert "it selects 10001 series, more than 10000; query: orders_total" in first.reason


@pytest.mark.parametrize(
    "result",
    [
        [{"metric": {}, "value": [1, "2"]}],
        [{"metric": {}, "values": [["x", "y"]]}],
        [1, "2"],
        ["text"],
        [{"values": []}],
    ],
)
def test_an_answer_of_another_shape_is_no_data(result: list[Any]) -> None:
    (answer,) = dealt([orders("c-1")], *result)
    assert isinstance(answer, NoData)
    assert not answer.empty
    assert "not a list of series with samples" in answer.reason
