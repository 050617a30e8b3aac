"""A template is identified by what it runs, whatever its spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.workloads.template import content, digest, images, only_restart_differs, with_labels
from tests.unit.controller.workloads.objects import raw, template

RESTARTED = "kubectl.kubernetes.io/restartedAt"
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


def shuffled(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: shuffled(node[key]) for key in reversed(list(node))}
    return [shuffled(item) for item in node] if isinstance(node, list) else node


def restarted(at: str, image: str = "shop:v1") -> dict[str, Any]:
    document = template(image)
    document["metadata"]["annotations"] = {RESTARTED: at}
    return document


@given(json_values)
def test_the_order_of_keys_does_not_change_the_digest(value: Any) -> None:
    document = {**template(), "extra": value}
    assert digest(raw(document)) == digest(raw(shuffled(document)))


def test_the_hash_label_does_not_change_the_digest() -> None:
    hashed = template(**{"pod-template-hash": "abc"})
    assert digest(raw(hashed)) == digest(raw(template()))
    assert "pod-template-hash" not in content(raw(hashed))["metadata"]["labels"]


def test_a_null_that_older_servers_write_does_not_change_the_digest() -> None:
    old = template()
    old["metadata"]["creationTimestamp"] = None
    assert digest(raw(old)) == digest(raw(template()))


def test_another_image_is_another_digest_of_16_hex_digits() -> None:
    one, other = digest(raw(template("shop:v1"))), digest(raw(template("shop:v2")))
    assert one != other
    assert len(one) == 16
    assert int(one, 16) >= 0


@pytest.mark.parametrize(
    ("a", "b", "only"),
    [
        pytest.param(template(), restarted("t1"), True, id="first restart"),
        pytest.param(restarted("t1"), restarted("t2"), True, id="second restart"),
        pytest.param(template(), template(), False, id="nothing differs"),
        pytest.param(template(), restarted("t1", "shop:v2"), False, id="restart and image"),
        pytest.param(template(), template("shop:v2"), False, id="image"),
    ],
)
def test_only_the_restart_annotation_makes_a_restart(a: Any, b: Any, only: bool) -> None:
    assert only_restart_differs(raw(a), raw(b)) is only


def test_images_name_init_containers_first() -> None:
    document = template()
    document["spec"]["initContainers"] = [{"name": "migrate", "image": "migrate:v1"}]
    assert images(raw(document)) == ("migrate:v1", "shop:v1")


def test_labels_are_laid_over_the_templates_own() -> None:
    document = with_labels(raw(template(tier="web")), {"app": "other"})
    assert document["metadata"]["labels"] == {"app": "other", "tier": "web"}
