"""Events without a series: a zero that was seen, or a question that can never match."""

from __future__ import annotations

from controller.metrics import zeros


def test_events_are_a_part_where_they_are_selected_more_narrowly_from_the_same_name() -> None:
    assert zeros.events_are_part('r{code=~"5..",pod="a"}', 'r{pod="a"}')
    assert not zeros.events_are_part("orders", "r")
    assert not zeros.events_are_part("sum(r)", "r")


def test_a_part_is_told_apart_by_the_labels_that_only_its_query_names() -> None:
    exposures = 'r{pod=~"a|b",code!=""}'
    assert zeros.labels_of_the_part('r{pod=~"a|b",code!=""}', exposures) == frozenset()
    events = 'r{pod=~"a|b",code!="",code=~"5..",route="/pay"}'
    assert zeros.labels_of_the_part(events, exposures) == {"code", "route"}


def test_a_label_is_unknown_where_no_series_of_the_exposures_has_it() -> None:
    shown = ['r{pod="a",status="200"}', 'r{pod="a",route="code=\\"5\\"",status="500"}']
    assert zeros.label_unknown({"code", "status"}, shown) == "code"
    assert zeros.label_unknown({"status", "route"}, shown) is None
    assert zeros.label_unknown(set(), shown) is None
    assert zeros.label_unknown({"code"}, []) == "code"
