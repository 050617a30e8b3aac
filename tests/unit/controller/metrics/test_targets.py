"""Which targets cover a tick, what their series count from, and what is left out with what."""

from __future__ import annotations

import pytest

from analysis.counters import CounterPolicy, CounterState, Sample
from analysis.ticks import Interval, NoData
from controller.metrics.presence import Presence, pod_of, target_of
from controller.metrics.targets import Begun, Edges, RoleTick

TICK = Interval(10.0, 20.0)
PAGES = CounterPolicy(stale_s=5.0, forget_s=60.0)
SERVED = CounterPolicy(stale_s=40.0, forget_s=60.0, interpolate=True)
NOTHING = CounterState()


def role(**values: dict[float, float]) -> RoleTick:
    """One series of each pod, by time."""
    samples = {
        f'x{{pod="{pod}"}}': [Sample(at, value) for at, value in some.items()]
        for pod, some in values.items()
    }
    return RoleTick(samples, {f"pod={pod}": list(some) for pod, some in values.items()})


def begun(
    *roles: RoleTick,
    policy: CounterPolicy = PAGES,
    presence: Presence = Presence(),  # noqa: B008  # a value
    together: bool = False,
    groups: tuple[CounterState, ...] = (),
) -> list[Begun] | NoData:
    states = groups or (NOTHING,) * len(roles)
    return Edges(TICK, policy, presence).begin(roles, states, together=together)


def bases(found: list[Begun] | NoData) -> list[dict[str, float]]:
    assert not isinstance(found, NoData), found
    return [{key: sample.value for key, sample in one.group.last.items()} for one in found]


def test_a_target_is_named_by_what_is_read_in_one_go() -> None:
    target = target_of('x{instance="i",job="j",pod="a",code="5"}')
    assert target == "instance=i,job=j,pod=a"
    assert (pod_of(target), pod_of("instance=i")) == ("a", "")


def test_series_count_from_what_they_showed_when_the_tick_began() -> None:
    one = role(a={9.0: 5.0, 12.0: 6.0, 20.0: 9.0})
    assert bases(begun(one, one)) == [{'x{pod="a"}': 5.0}] * 2
    assert bases(begun(one, one, policy=SERVED))[0] == {'x{pod="a"}': pytest.approx(5 + 1 / 3)}


def test_a_series_that_its_target_did_not_show_yet_counts_from_zero() -> None:
    errors = RoleTick({'x{pod="a"}': [Sample(15.0, 3.0)]}, {"pod=a": [9.0, 15.0, 20.0]})
    assert bases(begun(errors)) == [{'x{pod="a"}': 0.0}]
    (one,) = begun(errors, policy=SERVED)  # type: ignore[misc]
    assert one.samples['x{pod="a"}'][:2] == (Sample(9.0, 0.0), Sample(15.0, 3.0))


def test_the_first_value_of_a_target_that_was_not_there_before_counts_nothing() -> None:
    old, new = {9.0: 5.0, 20.0: 9.0}, {12.0: 1e6, 20.0: 1e6 + 1}
    both = role(a=old, b=new)
    assert bases(begun(both, both)) == [{'x{pod="a"}': 5.0}] * 2
    refused = begun(both, role(a=old))
    assert refused == NoData(
        "pod=b is seen for the first time: there is no earlier sample to count from"
    )


@pytest.mark.parametrize("policy", [PAGES, SERVED])
def test_a_silent_target_is_left_out_of_both_roles_or_the_tick_is_no_data(
    policy: CounterPolicy,
) -> None:
    well, silent = {9.0: 5.0, 20.0: 9.0}, {9.0: 7.0}
    both = role(a=well, b=silent)
    assert [set(one) for one in bases(begun(both, both, policy=policy))] == [{'x{pod="a"}'}] * 2
    refused = begun(both, role(a=well), policy=policy)
    assert refused == NoData("pod=b has had no sample for 11 s")
    assert not isinstance(begun(both, role(a=well), policy=policy, together=True), NoData)
    assert begun(role(b=silent), policy=policy) == NoData("pod=b has had no sample for 11 s")


def test_what_is_left_out_goes_on_from_its_last_value_when_it_is_back() -> None:
    groups = (CounterState({'x{pod="b"}': Sample(9.0, 7.0)}, True, 10.0),) * 2
    both = role(a={9.0: 5.0, 20.0: 9.0}, b={9.0: 7.0})
    first, _ = begun(both, both, groups=groups)  # type: ignore[misc]
    after = first.after(CounterState({'x{pod="a"}': Sample(20.0, 9.0)}, True, 20.0))
    assert after.last == {'x{pod="a"}': Sample(20.0, 9.0), 'x{pod="b"}': Sample(9.0, 7.0)}
    back = role(a={20.0: 9.0, 30.0: 12.0}, b={20.0: 9.0, 30.0: 10.0})
    found = Edges(Interval(20.0, 30.0), PAGES, Presence()).begin(
        (back, back), (after, after), together=False
    )
    assert bases(found)[0] == {'x{pod="a"}': 9.0, 'x{pod="b"}': 9.0}


def test_roles_of_one_page_that_were_read_at_other_moments_are_not_compared() -> None:
    events = role(a={8.0: 1.0, 20.0: 3.0})
    found = begun(events, role(a={8.0: 10.0, 10.0: 12.0, 20.0: 30.0}))
    assert found == NoData("pod=a was read at other moments for events than for exposures")


def test_what_has_been_silent_for_long_has_ended() -> None:
    group = CounterState(
        {'x{pod="a"}': Sample(9.0, 5.0), 'x{pod="b"}': Sample(-45.0, 7.0)}, True, 10.0
    )
    well = role(a={9.0: 5.0, 20.0: 9.0})
    assert bases(begun(well, groups=(group,))) == [{'x{pod="a"}': 5.0}]
    kept = Edges(TICK, PAGES, Presence()).kept(well, group)
    assert set(kept.last) == {'x{pod="a"}'}


def test_a_pod_that_left_before_the_tick_is_no_part_of_it() -> None:
    both = role(a={9.0: 5.0, 20.0: 9.0}, b={9.0: 7.0})
    gateway = role(a={9.0: 50.0, 20.0: 90.0})
    assert isinstance(begun(both, gateway), NoData)
    before, within = Presence(left={"b": 10.0}), Presence(left={"b": 11.0})
    assert bases(begun(both, gateway, presence=before))[0] == {'x{pod="a"}': 5.0}
    assert isinstance(begun(both, gateway, presence=within), NoData)


def test_a_pod_that_joined_after_the_tick_is_no_part_of_it() -> None:
    old, new = {9.0: 5.0, 21.0: 9.0}, {26.0: 4.0}
    gateway = role(a={9.0: 50.0, 21.0: 90.0})
    both = role(a=old, b=new)
    assert isinstance(begun(both, gateway, policy=SERVED), NoData)
    later = Presence(joined={"b": 20.0})
    found = begun(both, gateway, policy=SERVED, presence=later)
    assert set(bases(found)[0]) == {'x{pod="a"}'}


def test_a_value_that_is_no_count_is_nothing_to_count_from() -> None:
    (one,) = begun(role(a={9.0: -5.0, 20.0: 9.0}))  # type: ignore[misc]
    assert not one.group.watched
    assert one.group.last == {}
