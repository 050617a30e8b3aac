"""Which pods of an arm a tick was counted without, and when that is held against it."""

from __future__ import annotations

from dataclasses import replace

from analysis.counters import CounterPolicy, CounterState, Sample
from analysis.ticks import Interval
from controller.metrics import coverage
from controller.metrics.presence import Presence
from controller.metrics.targets import Edges, RoleTick

TICK = Interval(10.0, 20.0)
POLICY = CounterPolicy(stale_s=5.0, forget_s=60.0)
WELL, HANGS = {9.0: 5.0, 19.0: 9.0}, {9.0: 5.0}


def role(**pods: dict[float, float]) -> RoleTick:
    """One series of each pod, by time."""
    samples = {
        f'x{{pod="{pod}"}}': [Sample(at, value) for at, value in some.items()]
        for pod, some in pods.items()
    }
    return RoleTick(samples, {f"pod={pod}": list(some) for pod, some in pods.items()})


def unseen(
    read: RoleTick, presence: Presence, others: frozenset[str] = frozenset()
) -> dict[str, str]:
    edges = Edges(TICK, POLICY, presence)
    begun = edges.begin((read,), (CounterState(),), together=True)
    assert isinstance(begun, list)
    return coverage.unseen_part(edges, begun[0], read, others)


def arm(*pods: str, **more: object) -> Presence:
    return Presence(pods=frozenset(pods), **more)  # type: ignore[arg-type]


def test_a_pod_that_hangs_is_named_and_one_that_answers_is_not() -> None:
    assert unseen(role(a=WELL, b=WELL), arm("a", "b")) == {}
    assert unseen(role(a=WELL, b=HANGS), arm("a", "b")) == {"b": "has had no sample for 11 s"}


def test_a_pod_of_the_arm_that_never_shows_itself_is_named() -> None:
    assert unseen(role(a=WELL), arm("a", "b")) == {"b": "shows nothing"}
    assert unseen(role(a=WELL), arm("other")) == {}  # the answers name no pods of the arm


def test_a_pod_is_named_with_what_came_instead_of_an_answer() -> None:
    read = replace(role(a=WELL), silent={"b": "HTTP 503"})
    assert unseen(read, arm("a", "b")) == {"b": "shows nothing (HTTP 503)"}


def test_a_pod_that_just_came_is_given_time_to_show_itself() -> None:
    read = role(a=WELL)
    assert unseen(read, arm("a", "b", joined={"b": 6.0})) == {}
    assert unseen(read, arm("a", "b", joined={"b": 5.0})) == {"b": "shows nothing"}
    assert unseen(read, arm("a", "b", since_s=6.0)) == {}


def test_a_pod_that_left_is_missed_by_nobody() -> None:
    read = role(a=WELL, b=HANGS)
    assert unseen(read, arm("a", left={"b": 10.0})) == {}
    assert unseen(read, arm("a", left={"b": 11.0})) == {"b": "has had no sample for 11 s"}


def test_a_target_of_both_arms_belongs_to_neither() -> None:
    read = role(a=WELL, gateway=HANGS)
    assert unseen(read, arm("a"), frozenset({"pod=gateway"})) == {}
    assert set(unseen(read, arm("a"))) == {"gateway"}


def test_a_sidecar_that_answers_says_nothing_of_the_program_beside_it() -> None:
    samples = {'x{instance="1:80",pod="a"}': [Sample(9.0, 5.0), Sample(19.0, 9.0)]}
    answered = {"instance=1:80,pod=a": [9.0, 19.0], "instance=2:15090,pod=b": [9.0, 19.0]}
    read = RoleTick(samples, answered)
    assert unseen(read, arm("a", "b")) == {"b": "shows nothing"}
    same = RoleTick(samples, {**answered, "instance=2:80,pod=b": [9.0, 19.0]})
    assert unseen(same, arm("a", "b")) == {}


def test_a_reason_names_the_first_few_pods() -> None:
    text = coverage.words(dict.fromkeys("edcba", "shows nothing"))
    assert text == "a shows nothing; b shows nothing; c shows nothing; and 2 more"


def test_a_pod_is_hidden_only_where_another_question_counts_its_traffic_elsewhere() -> None:
    edges = Edges(TICK, POLICY, arm("a", "b"))
    pods, gateway = role(a=WELL), role(gw=WELL)
    assert coverage.hidden_from_one(edges, (pods, gateway)) == {"b": "shows nothing"}
    assert coverage.hidden_from_one(edges, (gateway, pods)) == {"b": "shows nothing"}
    assert coverage.hidden_from_one(edges, (pods, pods)) == {}
    assert coverage.hidden_from_one(edges, (gateway, gateway)) == {}
    assert coverage.hidden_from_one(edges, (role(a=WELL, b=WELL), gateway)) == {}


def test_a_pod_that_came_after_the_tick_hides_nothing() -> None:
    roles = role(a=WELL), role(gw=WELL)
    later, within = arm("a", "b", joined={"b": 20.0}), arm("a", "b", joined={"b": 19.0})
    assert coverage.hidden_from_one(Edges(TICK, POLICY, later), roles) == {}
    assert coverage.hidden_from_one(Edges(TICK, POLICY, within), roles) == {"b": "shows nothing"}


# -- what has ended for both arms ------------------------------------------------------------------

GONE, STAYS = {4.0: 5.0}, {4.0: 5.0, 19.0: 9.0}


def ended(ours: RoleTick, theirs: RoleTick, *pods: str) -> frozenset[str]:
    return coverage.ended_for_both((([ours], arm(*pods)), ([theirs], arm())), TICK, 15.0)


def test_a_gateway_that_fell_silent_for_both_arms_at_one_moment_has_ended() -> None:
    both = role(gw=GONE, other=STAYS)
    assert ended(both, both) == {"pod=gw"}
    later = role(gw={5.0: 5.0}, other=STAYS)
    assert ended(later, later) == frozenset()


def test_what_is_silent_for_one_arm_alone_or_for_one_arm_longer_has_not_ended() -> None:
    both = role(gw=GONE, other=STAYS)
    assert ended(both, role(gw=STAYS, other=STAYS)) == frozenset()
    assert ended(both, role(gw={3.0: 5.0}, other=STAYS)) == frozenset()
    assert ended(both, role(other=STAYS)) == frozenset()


def test_a_pod_of_an_arm_has_not_ended() -> None:
    both = role(gw=GONE, other=STAYS)
    assert ended(both, both, "gw") == frozenset()


def test_where_none_is_left_nothing_is_known_of_any() -> None:
    assert ended(role(gw=GONE), role(gw=GONE)) == frozenset()


def test_what_came_back_after_the_tick_had_ended_in_it() -> None:
    back = role(gw={4.0: 5.0, 30.0: 9.0}, other=STAYS)
    assert ended(back, back) == {"pod=gw"}
