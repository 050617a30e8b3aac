"""The cache of one resource: diff, indexes, malformed objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import ConfigMap
from controller.api.meta import Key, ObjectMeta, OwnerReference
from controller.kube.port import Malformed
from controller.kube.store import Change, Store, owner_uids

from .conftest import config_map


def malformed(name: str, version: int) -> Malformed:
    meta = ObjectMeta(name=name, namespace="shop", uid=f"uid-{name}", resource_version=str(version))
    return Malformed(meta, "Expected `int`, got `str` - at `$.spec.replicas`")


def by_color(item: ConfigMap) -> list[str]:
    return [value for key, value in item.metadata.labels.items() if key == "color"]


@pytest.fixture
def store() -> Store[ConfigMap]:
    return Store({"color": by_color})


A, B, C = (Key("shop", name) for name in "abc")


def test_a_fresh_list_answers_exactly_the_changed_and_the_deleted(store: Store[ConfigMap]) -> None:
    store.replace([config_map(f"x{n}", n) for n in range(100)], "100")
    now = [config_map(f"x{n}", n) for n in range(99)]
    now[7] = config_map("x7", 200)
    changes = store.replace(now, "201")
    assert [(c.old and c.old.metadata.name, c.new and c.new.metadata.name) for c in changes] == [
        ("x99", None),
        ("x7", "x7"),
    ]
    assert store.newest_version == "201"
    assert len(store) == 99


def test_an_equal_list_answers_nothing(store: Store[ConfigMap]) -> None:
    items = [config_map("a", 1), malformed("b", 2)]
    store.replace(items, "3")
    assert store.replace(items, "9") == []


def test_an_object_made_anew_under_its_name_is_a_deletion_and_an_addition(
    store: Store[ConfigMap],
) -> None:
    old, new = config_map("a", 1, uid="first"), config_map("a", 5, uid="second")
    store.replace([old], "1")
    assert store.replace([new], "5") == [Change(old, None), Change(None, new)]


def test_objects_are_found_by_index_in_the_order_of_their_keys(store: Store[ConfigMap]) -> None:
    for name, color in (("b", "red"), ("a", "red"), ("c", "blue")):
        store.put(config_map(name, 1, color=color))
    assert [item.name for item in store.by("color", "red")] == ["a", "b"]
    assert store.by("color", "green") == ()


def test_an_index_follows_a_changed_label_and_a_deletion(store: Store[ConfigMap]) -> None:
    store.put(config_map("a", 1, color="red"))
    store.put(config_map("a", 2, color="blue"))
    assert store.by("color", "red") == ()
    store.remove(A)
    assert store.by("color", "blue") == ()


def test_replicasets_are_found_by_the_uid_of_their_owner() -> None:
    store: Store[ConfigMap] = Store({"owner": owner_uids})
    owned = ConfigMap(metadata=ObjectMeta(name="a", owner_references=(OwnerReference(uid="u1"),)))
    store.put(owned)
    assert store.by("owner", "u1") == (owned,)


def test_a_malformed_object_stands_apart_and_comes_back_when_it_is_well(
    store: Store[ConfigMap],
) -> None:
    well, bad = config_map("a", 1, color="red"), malformed("a", 2)
    store.put(well)
    assert store.put(bad) == Change(well, bad)
    assert store.get(A) is None
    assert store.malformed == {A: bad}
    assert store.seen(A) is bad
    assert store.by("color", "red") == ()
    healed = config_map("a", 3)
    assert store.put(healed) == Change(bad, healed)
    assert store.malformed == {}


def test_removing_what_is_not_there_is_no_change(store: Store[ConfigMap]) -> None:
    assert store.remove(A) is None


def test_reading_while_the_reflector_writes_sees_one_moment(store: Store[ConfigMap]) -> None:
    store.put(config_map("a", 1))
    store.put(config_map("b", 1))
    names = []
    for item in store:
        store.remove(B)
        names.append(item.name)
    assert names == ["a", "b"]


OBJECTS = st.dictionaries(
    st.sampled_from("abcd"),
    st.tuples(st.integers(1, 3), st.sampled_from(["u1", "u2"]), st.sampled_from(["red", "blue"])),
)


@given(first=OBJECTS, second=OBJECTS)
def test_replaying_the_diff_of_two_lists_leads_from_one_to_the_other(
    first: dict[str, tuple[int, str, str]], second: dict[str, tuple[int, str, str]]
) -> None:
    def build(world: dict[str, tuple[int, str, str]]) -> list[ConfigMap]:
        # Equal uid and version mean equal content, as on a server.
        return [
            config_map(name, version * 10 + len(uid + color), uid=uid + color, color=color)
            for name, (version, uid, color) in world.items()
        ]

    store: Store[ConfigMap] = Store({"color": by_color})
    store.replace(build(first), "1")
    mirror = {item.key: item for item in store}
    for old, new in store.replace(build(second), "2"):
        if old is not None:
            assert isinstance(old, ConfigMap)
            assert mirror.pop(old.key) == old
        if new is not None:
            assert isinstance(new, ConfigMap)
            mirror[new.key] = new
    assert (
        mirror == {item.key: item for item in build(second)} == {item.key: item for item in store}
    )
    found = {item.key for color in ("red", "blue") for item in store.by("color", color)}
    assert found == set(mirror)
