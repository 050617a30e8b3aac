"""A requests session whose answers end, by size and by a deadline for the whole body.

Parameters of a POST go in its body, where a proxy's limit for URLs (often 8 kB) does not reach.
`requests` bounds only the wait for the next byte, so a server that dribbles could hold a thread for
ever, and a query that selects too much could fill the memory. It knows HTTP and nothing of metrics.
Called by the prometheus plug-in, whose client takes a session.
"""

from __future__ import annotations

import time
from typing import Any

import requests
import urllib3.exceptions

LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_CHUNK = 65_536


class BoundedSession(requests.Session):
    """Reads each body within `total_s` and `largest_bytes`, or raises a `requests` error."""

    def __init__(self, total_s: float, largest_bytes: int = LARGEST_ANSWER_BYTES) -> None:
        super().__init__()
        self._total_s = total_s
        self._largest_bytes = largest_bytes

    def request(  # type: ignore[override]  # the rest as in the base class
        self, method: str, url: str, params: Any = None, **kwargs: Any
    ) -> requests.Response:
        """As in the base class, but the parameters of a POST are its form."""
        if method == "POST":
            return super().request(method, url, data=params, **kwargs)
        return super().request(method, url, params=params, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """As in the base class, with the body read before it returns."""
        ends = time.monotonic() + self._total_s
        response = super().send(request, **{**kwargs, "stream": True})
        try:
            response._content = self._body(response, ends)
        finally:
            response.close()
        return response

    def _body(self, response: requests.Response, ends: float) -> bytes:
        body = bytearray()
        while chunk := _next(response):
            body += chunk
            if len(body) > self._largest_bytes:
                raise requests.exceptions.ContentDecodingError(
                    f"the answer is larger than {self._largest_bytes} bytes"
                )
            if time.monotonic() > ends:
                raise requests.exceptions.ReadTimeout(
                    f"the answer did not end in {self._total_s} s"
                )
        return bytes(body)


def _next(response: requests.Response) -> bytes:
    """What has come of the body; nothing at its end. `requests` gives the trouble on the way a name
    of its own only where it reads a body itself."""
    try:
        return bytes(response.raw.read1(_CHUNK, decode_content=True) or b"")
    except urllib3.exceptions.HTTPError as problem:
        raise requests.exceptions.ConnectionError(f"the answer broke off: {problem}") from None
