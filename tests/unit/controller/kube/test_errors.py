"""From a refusal to the error that names it."""

from __future__ import annotations

import msgspec
import pytest

from controller.kube import errors, port


def status(code: int, reason: str) -> bytes:
    return msgspec.json.encode({"kind": "Status", "code": code, "reason": reason, "message": "no"})


@pytest.mark.parametrize(
    ("code", "reason", "kind"),
    [
        (400, "BadRequest", port.Invalid),
        (401, "Unauthorized", port.Forbidden),
        (403, "Forbidden", port.Forbidden),
        (404, "NotFound", port.NotFound),
        (405, "MethodNotAllowed", port.ApiError),
        (409, "Conflict", port.Conflict),
        (409, "AlreadyExists", port.AlreadyExists),
        (410, "Expired", port.Gone),
        (413, "RequestEntityTooLarge", port.Invalid),
        (422, "Invalid", port.Invalid),
        (429, "TooManyRequests", port.Overloaded),
        (500, "InternalError", port.ServerError),
        (503, "ServiceUnavailable", port.ServerError),
        (504, "Timeout", port.ServerError),
    ],
)
def test_each_refusal_has_its_class(code: int, reason: str, kind: type[port.ApiError]) -> None:
    error = errors.error_of(code, status(code, reason), what="get configmaps shop/a")
    assert type(error) is kind
    assert (error.status, error.reason) == (code, reason)


def test_the_text_names_verb_resource_object_and_what_came_back() -> None:
    error = errors.error_of(404, status(404, "NotFound"), what="get configmaps shop/a")
    assert str(error) == "get configmaps shop/a: 404 NotFound: no"


def test_a_page_of_a_proxy_is_shown_shortened() -> None:
    error = errors.error_of(502, b"<html>" + b"x" * 5000, what="get configmaps shop/a")
    assert isinstance(error, port.ServerError)
    assert "<html>xxx" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff\xfe", b'{"message": 7}'])
def test_any_body_makes_an_error(body: bytes) -> None:
    assert isinstance(errors.error_of(500, body, what="x"), port.ServerError)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("-1", None),
        ("86400", 30.0),
    ],
)
def test_retry_after_is_read_as_seconds(header: str | None, seconds: float | None) -> None:
    assert errors.retry_after(header) == seconds
