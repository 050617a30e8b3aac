"""The `prometheus` plug-in: raw samples of a window from a Prometheus server.

It asks for `selector[window]` at one instant, so that true timestamps, resets and gaps are seen
and no rate() smooths them away; how questions share queries is `prometheus_queries`' part. Whatever
goes wrong on the way is `NoData` with a reason; a server's trouble never raises.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from controller.api.quantities import parse_duration
from controller.api.template import PrometheusProvider
from controller.metrics.port import Reading, Tools, Wanted, Window
from controller.metrics.prometheus_queries import Query, cut, parse, plan, refused

log = structlog.get_logger(__name__)


class Prometheus:
    """The plug-in; see `metrics.port.Provider`."""

    name = "prometheus"
    spec = PrometheusProvider
    rereads = True

    def interval_s(self, spec: PrometheusProvider, tick_s: float) -> float:
        """One look per tick."""
        return tick_s

    def settle_s(self, spec: PrometheusProvider) -> float:
        """As the template says: a sample is stamped when its scrape starts, and can be read when
        the scrape is over, or when it has travelled on to the server that is asked."""
        return parse_duration(spec.settle).total_seconds()

    def problem(self, spec: PrometheusProvider, expression: str) -> str | None:
        """None: what is wrong with a query is the server's to say, and is then no data."""
        return None

    async def fetch(
        self,
        spec: PrometheusProvider,
        wanted: Sequence[Wanted],
        window: Window,
        tools: Tools,
    ) -> Mapping[Wanted, Reading]:
        """Every query at once, each with its own deadline and its own trouble."""
        queries = plan(wanted, window)
        asked = (_ask(spec, query, tools) for query in queries)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        readings: dict[Wanted, Reading] = {}
        for query, answer in zip(queries, answers, strict=True):
            readings |= _of_one(spec, query, answer)
        return readings


def _of_one(
    spec: PrometheusProvider, query: Query, answer: dict[Wanted, Reading] | BaseException
) -> dict[Wanted, Reading]:
    """The answer to one query. A fault of ours takes that answer alone: the other queries are of
    other releases."""
    if isinstance(answer, Exception):
        log.error("query_failed", query=cut(query.text), exc_info=answer)
        return refused(query, cut(f"{spec.address}: {type(answer).__name__}: {answer}"))
    if isinstance(answer, BaseException):
        raise answer
    return answer


async def _ask(spec: PrometheusProvider, query: Query, tools: Tools) -> dict[Wanted, Reading]:
    deadline_s = parse_duration(spec.timeout).total_seconds()
    kind = f"prometheus {query.method} {spec.address} {spec.timeout}"
    client = tools.kept(kind, lambda: _client(spec, query.method))
    call = lambda: _answered(client, spec.address, query)  # noqa: E731  # what the thread does
    try:
        found: dict[Wanted, Reading] = await tools.in_thread(spec.address, call, deadline_s)
    except TimeoutError:
        return refused(query, f"{spec.address} gave no answer within {deadline_s:g} s")
    return found


@dataclass(frozen=True, slots=True)
class _Failure:
    why: str


def _client(spec: PrometheusProvider, method: str) -> Any:
    """A client without retries: the next tick is the retry, and no data is said at once."""
    from prometheus_api_client.prometheus_connect import PrometheusConnect  # late: 0.1 s
    from urllib3.util.retry import Retry

    from controller.metrics.bounded_http import BoundedSession

    deadline_s = parse_duration(spec.timeout).total_seconds()
    return PrometheusConnect(
        url=spec.address.rstrip("/"),
        method=method,
        retry=Retry(total=0, redirect=3, raise_on_status=False),
        session=BoundedSession(deadline_s),
        timeout=deadline_s,  # type: ignore[arg-type]  # requests takes parts of a second
    )


def _answered(client: Any, address: str, query: Query) -> dict[Wanted, Reading]:
    """Runs in a thread, as a large answer takes long to parse."""
    result = _custom_query(client, query)
    if isinstance(result, _Failure):
        return refused(query, f"{address}: {result.why}")
    return parse(query, result)


def _custom_query(client: Any, query: Query) -> Any:
    """The result as the server sent it, or why there is none."""
    import requests
    from prometheus_api_client.exceptions import PrometheusApiClientException

    try:
        return client.custom_query(query.text, params={"time": f"{query.at_s:.3f}"})
    except PrometheusApiClientException as problem:
        return _Failure(_said(str(problem)))
    except requests.exceptions.JSONDecodeError:
        return _Failure("the answer is not JSON; is this a Prometheus?")
    except requests.exceptions.RequestException as problem:
        return _Failure(cut(f"{type(problem).__name__}: {problem}"))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        return _Failure(f"the answer is not that of a Prometheus ({problem!r})")


def _said(text: str) -> str:
    """The server's own words out of the client's message, if it is a Prometheus error."""
    found = re.search(r'"error":"((?:[^"\\]|\\.)*)"', text)
    status = re.search(r"HTTP Status Code (\d+)", text)
    return cut(f"HTTP {status[1] if status else '?'}: {found[1] if found else text}")


PROVIDER = Prometheus()
