"""Owners of fields: what a write takes over and what an apply gives up."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS
from controller.kube.memory_ownership import Manager, after_update, apply_body, field_set
from controller.kube.memory_patch import copy_json

OURS, OTHERS = Manager("blastdoor", "Apply"), Manager("alice", "Update")
DATA = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2"]), max_size=4)


def body(data: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "c"}, "data": data}


def container(name: str, **members: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, **members}]}}}}


def test_list_elements_are_named_by_their_key() -> None:
    owned = field_set(DEPLOYMENTS, container("web", image="web:1"))
    element = ("spec", "template", "spec", "containers", "[name=web]")
    assert owned == {element, (*element, "name"), (*element, "image")}


def test_a_port_without_protocol_is_the_tcp_port() -> None:
    short = field_set(DEPLOYMENTS, container("w", ports=[{"containerPort": 80}]))
    full = container("w", ports=[{"containerPort": 80, "protocol": "TCP"}])
    assert short < field_set(DEPLOYMENTS, full)


def test_system_metadata_is_owned_by_nobody() -> None:
    owned = field_set(CONFIG_MAPS, {"metadata": {"name": "c", "uid": "u", "generation": 1}})
    assert owned == frozenset()


@given(DATA, DATA, DATA)
def test_an_apply_repeated_changes_nothing(
    live: dict[str, str], first: dict[str, str], second: dict[str, str]
) -> None:
    managers = {OTHERS: field_set(CONFIG_MAPS, body(live))}
    one = apply_body(CONFIG_MAPS, body(live), body(first), managers, OURS)
    two = apply_body(CONFIG_MAPS, one.body, body(second), one.managers, OURS)
    three = apply_body(CONFIG_MAPS, two.body, body(second), two.managers, OURS)
    assert (three.body, three.managers, three.clashes) == (two.body, two.managers, ())


@given(DATA, DATA, DATA)
def test_what_nobody_owns_any_more_is_gone_and_what_another_owns_stays(
    live: dict[str, str], first: dict[str, str], second: dict[str, str]
) -> None:
    managers = {OTHERS: field_set(CONFIG_MAPS, body(live))}
    one = apply_body(CONFIG_MAPS, body(live), body(first), managers, OURS)
    two = apply_body(CONFIG_MAPS, one.body, body(second), one.managers, OURS)
    taken_from_alice = {key for key in first if live.get(key, first[key]) != first[key]}
    kept = set(live) - (taken_from_alice - set(second))
    assert set(two.body.get("data", {})) == kept | set(second)


@given(DATA, DATA)
def test_every_field_has_an_owner_after_a_plain_write(
    old: dict[str, str], new: dict[str, str]
) -> None:
    managers = {OURS: field_set(CONFIG_MAPS, body(old))}
    after = after_update(CONFIG_MAPS, body(old), body(new), managers, OTHERS)
    owned = {path for paths in after.values() for path in paths if len(path) == 2}
    assert owned == {("data", key) for key in new}


@given(DATA, DATA)
def test_inputs_are_left_alone(live: dict[str, str], applied: dict[str, str]) -> None:
    before, ours = body(live), body(applied)
    kept = copy_json(before), copy_json(ours)
    apply_body(CONFIG_MAPS, before, ours, {OURS: frozenset({("data", "a")})}, OURS)
    assert (before, ours) == kept


def test_a_clash_names_the_manager_and_the_field() -> None:
    managers = {OTHERS: field_set(CONFIG_MAPS, body({"a": "1"}))}
    made = apply_body(CONFIG_MAPS, body({"a": "1"}), body({"a": "2"}), managers, OURS)
    assert [str(clash) for clash in made.clashes] == ['conflict with "alice": .data.a']
