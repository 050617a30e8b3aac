"""What is kept of looks: each sample once, when targets answered which question, their pace."""

from __future__ import annotations

from analysis.counters import Sample
from analysis.ticks import Interval
from analysis.ticks import NoData as MissingTick
from controller.metrics.port import NoData, Pod, Reading, Role, Samples, Series, Wanted
from controller.runtime.samples import SampleBuffer, Slot

EVENTS: Slot = ("orders", "events", "canary")
EXPOSURES: Slot = ("orders", "exposures", "canary")


def asked(role: Role) -> Wanted:
    return Wanted("orders", role, "canary", "x")


def read(*times: float, **labels: str) -> Samples:
    return Samples((Series("x", tuple(labels.items()), tuple((at, at) for at in times)),))


def add(buffer: SampleBuffer, paged: bool = False, **readings: Reading) -> None:
    answers = {asked(role): reading for role, reading in readings.items()}  # type: ignore[arg-type]
    buffer.add(answers, 0.0, paged=paged)


def test_windows_that_overlap_give_each_sample_once_in_order_of_time() -> None:
    buffer = SampleBuffer()
    add(buffer, events=read(-1, 4, 9, 14, pod="a"))
    add(buffer, events=read(9, 12, 14, 19, pod="a"))
    found = buffer.role(EVENTS, Interval(0.0, 30.0), zero=False)
    assert [s.at_s for s in found.series['x{pod="a"}']] == [4, 9, 12, 14, 19]
    assert found.answered == {"pod=a": [4, 9, 12, 14, 19]}


def test_a_tick_gets_the_samples_from_before_its_start_to_after_its_end() -> None:
    buffer = SampleBuffer()
    add(buffer, events=read(4, 9, 14, 19, 24, 29, pod="a"))
    found = buffer.role(EVENTS, Interval(10.0, 20.0), zero=False)
    assert found.series['x{pod="a"}'] == [Sample(at, at) for at in (9, 14, 19, 24)]


def test_what_shares_an_address_answers_each_question_that_could_be_asked() -> None:
    for labels, paged in ({"pod": "a"}, True), ({"instance": "i"}, False):
        buffer = SampleBuffer()
        add(buffer, paged, events=NoData("no series", True), exposures=read(4, 9, **labels))
        add(buffer, paged, events=NoData("HTTP 503"), exposures=read(14, **labels))
        target = "pod=a" if paged else "instance=i"
        assert buffer.role(EXPOSURES, Interval(0, 9), zero=False).answered == {target: [4, 9, 14]}
        assert buffer.role(EVENTS, Interval(0, 9), zero=False).answered == {target: [4, 9]}


def test_pods_that_a_server_names_without_an_address_answer_for_each_question_apart() -> None:
    buffer = SampleBuffer()
    add(buffer, events=read(4, 64, pod="a"), exposures=read(4, 19, pod="a"))
    assert buffer.role(EVENTS, Interval(0, 9), zero=False).answered == {"pod=a": [4, 64]}


def test_no_series_is_a_zero_only_where_it_may_be_one() -> None:
    buffer = SampleBuffer()
    add(buffer, events=NoData("no series in the window", True), exposures=NoData("HTTP 503"))
    assert buffer.role(EVENTS, Interval(0, 9), zero=True).samples == {}
    lacking = MissingTick("no series in the window")
    assert buffer.role(EVENTS, Interval(0, 9), zero=False).samples == lacking
    assert buffer.role(EXPOSURES, Interval(0, 9), zero=True).samples == MissingTick("HTTP 503")
    unread = buffer.role(("orders", "events", "stable"), Interval(0, 9), zero=True)
    assert unread.samples == MissingTick("it has not been read yet")
    assert buffer.troubles() == {"orders": "HTTP 503"}


def test_the_pace_is_that_of_the_slowest_question_and_outlives_a_segment() -> None:
    buffer = SampleBuffer()
    assert buffer.spacing_s("orders", 10.0) == 10.0
    assert not buffer.knows_spacing("orders")
    add(buffer, events=read(0, 60, 120, pod="a"), exposures=read(0, 15, 30, pod="a"))
    add(buffer, events=read(60, 120, pod="a"), exposures=read(0, 15, 30, 45, pod="a"))
    assert buffer.spacing_s("orders", 10.0) == 60.0
    assert buffer.knows_spacing("orders")
    buffer.begin()
    assert buffer.spacing_s("orders", 10.0) == 60.0
    unread = buffer.role(EVENTS, Interval(0, 9), zero=False)
    assert unread.series == {}


def test_what_no_tick_needs_any_more_is_let_go() -> None:
    buffer = SampleBuffer()
    add(buffer, events=read(4, 9, pod="a"), exposures=read(4, pod="b"))
    buffer.forget_before(9.0)
    assert buffer.role(EVENTS, Interval(0, 9), zero=False).answered == {"pod=a": [9]}
    assert buffer.role(EXPOSURES, Interval(0, 9), zero=False).answered == {}


def test_a_page_without_a_series_was_read_unless_its_pod_was_silent() -> None:
    pods = tuple(Pod(name, "10.0.0.1") for name in "abc")
    asked = Wanted("orders", "exposures", "canary", "x", pods)
    one = Series("x", (("pod", "a"),), ((9.0, 9.0),))
    for paged, answered in (True, {"pod=a": [9], "pod=b": [9]}), (False, {"pod=a": [9]}):
        buffer = SampleBuffer()
        buffer.add({asked: Samples((one,), (("c", "HTTP 503"),))}, 0.0, paged=paged)
        found = buffer.role(EXPOSURES, Interval(0, 9), zero=False)
        assert found.answered == answered
        assert found.silent == {"c": "HTTP 503"}
