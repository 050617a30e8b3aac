"""From bytes to typed values; one bad object never spoils another."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.k8s import Deployment, EndpointSlice
from controller.api.kinds import AnalysisTemplate
from controller.api.meta import ObjectMeta
from controller.api.resources import ANALYSIS_TEMPLATES, CONFIG_MAPS, DEPLOYMENTS, ENDPOINT_SLICES
from controller.kube.decoding import Undecodable, decode_line, decode_object, decode_page
from controller.kube.port import Gone, Malformed, ServerError


def raw(value: Any) -> bytes:
    return msgspec.json.encode(value)


def deployment(name: str, replicas: Any = 3) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"u-{name}", "resourceVersion": "7"},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": []}}},
    }


def test_a_page_decodes_to_structs_and_tells_the_next() -> None:
    body = raw(
        {
            "metadata": {"resourceVersion": "9", "continue": "more"},
            "items": [deployment("a"), deployment("b")],
        }
    )
    page = decode_page(DEPLOYMENTS, body)
    assert [type(item) for item in page.items] == [Deployment, Deployment]
    assert (page.resource_version, page.next_page) == ("9", "more")


def test_one_malformed_object_is_named_and_the_rest_lives() -> None:
    body = raw(
        {
            "metadata": {"resourceVersion": "9"},
            "items": [deployment("a"), deployment("bad", "three"), deployment("c")],
        }
    )
    a, bad, c = decode_page(DEPLOYMENTS, body).items
    assert isinstance(a, Deployment)
    assert isinstance(c, Deployment)
    assert isinstance(bad, Malformed)
    assert (bad.metadata.name, bad.metadata.namespace) == ("bad", "shop")
    assert "$.spec.replicas" in bad.problem
    assert "int" in bad.problem


@pytest.mark.parametrize("items", [[], None])
def test_an_empty_list_may_be_written_as_null(items: list[Any] | None) -> None:
    page = decode_page(DEPLOYMENTS, raw({"metadata": {"resourceVersion": "9"}, "items": items}))
    assert page.items == ()


def test_a_null_counts_as_absent() -> None:
    body = raw({"metadata": {"name": "a", "labels": None}, "endpoints": None, "ports": None})
    assert decode_object(ENDPOINT_SLICES, body) == EndpointSlice(metadata=ObjectMeta(name="a"))


def test_the_template_does_not_keep_the_whole_answer_alive() -> None:
    found = decode_object(DEPLOYMENTS, raw(deployment("a")))
    assert isinstance(found, Deployment)
    assert bytes(found.spec.template) == b'{"spec":{"containers":[]}}'
    assert memoryview(found.spec.template).nbytes == len(bytes(found.spec.template))


def test_metadata_of_a_wrong_shape_still_gives_the_name() -> None:
    body = raw({"metadata": {"name": "a", "namespace": "shop", "labels": 7}})
    bad = decode_object(CONFIG_MAPS, body)
    assert isinstance(bad, Malformed)
    assert (bad.metadata.namespace, bad.metadata.name) == ("shop", "a")


def nested(levels: int, name: str = "deep") -> bytes:
    metadata = raw({"name": name, "namespace": "shop", "resourceVersion": "7"})
    inner = b'{"a":' * levels + b"1" + b"}" * levels
    return (
        b'{"spec":{"provider":'
        + inner
        + b',"metrics":[{"name":"a"}]},"metadata":'
        + metadata
        + b"}"
    )


@pytest.mark.parametrize("levels", [1100, 10_000, 200_000])
def test_what_is_nested_too_deep_is_named_and_the_rest_lives(levels: int) -> None:
    spec = {"provider": {"scrape": {}}, "metrics": [{"name": "a"}]}
    good = raw({"metadata": {"name": "good"}, "spec": spec})
    body = b'{"metadata":{"resourceVersion":"9"},"items":[' + nested(levels) + b"," + good + b"]}"
    bad, fine = decode_page(ANALYSIS_TEMPLATES, body).items
    assert isinstance(fine, AnalysisTemplate)
    event = decode_line(
        ANALYSIS_TEMPLATES, b'{"type":"ADDED","object":' + nested(levels) + b"}", what="w"
    )
    assert event.resource_version == "7"
    for found in (bad, event.object, decode_object(ANALYSIS_TEMPLATES, nested(levels))):
        assert isinstance(found, Malformed)
        assert (found.metadata.namespace, found.metadata.name) == ("shop", "deep")
        assert "nested deeper" in found.problem


ODD = [
    b"[]",
    b"null",
    b'{"metadata":[]}',
    b'{"metadata":"\xff"}',
    b'{"x":' + b"9" * 400 + b"}",
    b"{",
]


@pytest.mark.parametrize("body", ODD)
def test_an_odd_body_is_an_object_malformed_or_undecodable_and_never_anything_else(
    body: bytes,
) -> None:
    page = b'{"metadata":{"resourceVersion":"9"},"items":[' + body + b"]}"
    with contextlib.suppress(Undecodable):
        decode_page(ANALYSIS_TEMPLATES, page)
    with contextlib.suppress(Undecodable):
        decode_object(ANALYSIS_TEMPLATES, body)
    for kind in (b"ADDED", b"BOOKMARK", b"ERROR"):
        line = b'{"type":"' + kind + b'","object":' + body + b"}"
        with contextlib.suppress(Undecodable, ServerError):
            decode_line(ANALYSIS_TEMPLATES, line, what="w")


def test_an_event_line_carries_object_and_version() -> None:
    event = decode_line(DEPLOYMENTS, raw({"type": "ADDED", "object": deployment("a")}), what="w")
    assert (event.type, event.resource_version) == ("ADDED", "7")
    assert isinstance(event.object, Deployment)


def test_an_event_of_a_malformed_object_still_carries_its_version() -> None:
    line = raw({"type": "MODIFIED", "object": deployment("a", [])})
    event = decode_line(DEPLOYMENTS, line, what="w")
    assert isinstance(event.object, Malformed)
    assert event.resource_version == "7"


def test_a_bookmark_is_a_version_and_nothing_else() -> None:
    line = raw({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "12"}, "spec": 1}})
    event = decode_line(DEPLOYMENTS, line, what="w")
    assert (event.type, event.object, event.resource_version) == ("BOOKMARK", None, "12")


def test_an_error_line_of_code_410_is_gone() -> None:
    said = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
    with pytest.raises(Gone, match="watch deployments: 410 Expired: too old"):
        decode_line(DEPLOYMENTS, raw({"type": "ERROR", "object": said}), what="watch deployments")


@pytest.mark.parametrize("said", [{"code": 500, "message": "x"}, {"message": "x"}, "text", 7])
def test_any_other_error_line_is_a_server_error(said: Any) -> None:
    with pytest.raises(ServerError):
        decode_line(DEPLOYMENTS, raw({"type": "ERROR", "object": said}), what="w")


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"type": "NEW", "object": {}}', b"\xff"])
def test_a_line_that_is_no_event_is_undecodable(line: bytes) -> None:
    with pytest.raises(Undecodable):
        decode_line(DEPLOYMENTS, line, what="w")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", "name", "spec", "replicas"]), inner)
    ),
    max_leaves=12,
)


@given(items=st.lists(JSON, max_size=4))
def test_a_list_of_anything_keeps_its_well_objects(items: list[Any]) -> None:
    body = raw({"metadata": {"resourceVersion": "9"}, "items": [deployment("a"), *items]})
    page = decode_page(DEPLOYMENTS, body)
    assert len(page.items) == 1 + len(items)
    assert isinstance(page.items[0], Deployment)
