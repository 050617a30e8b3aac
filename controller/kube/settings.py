"""The constants of the Kubernetes layer: each with its unit and the reason for its size.

They are facts about API servers, not choices of a user, so they are no flags. A test notices when
one of them stops making sense beside another (`tests/unit/controller/kube/test_settings.py`).
"""

from __future__ import annotations

from typing import Final

CONNECT_DEADLINE_S: Final = 5.0
"""To open a connection. A live server in the same cluster accepts within milliseconds."""
READ_DEADLINE_S: Final = 30.0
"""To answer a read, a page of 500 objects included. The server itself gives up after 60 s."""
WRITE_DEADLINE_S: Final = 10.0
"""To answer a write: two admission webhooks may need seconds; past that the queue decides anew."""
KEEP_ALIVE_S: Final = 60.0
"""How long an unused connection is kept: the server closes its side after 90 s."""
CONNECTIONS: Final = 100
"""At most so many connections for calls. Watches have theirs beside them, without a limit: one
for each kind, and one for each run in hand."""
PROBE_AFTER_S: Final = 10
PROBE_EVERY_S: Final = 5
PROBES: Final = 3
"""A connection silent for so long is probed so often; unanswered, it is lost."""
HALF_OPEN_S: Final = PROBE_AFTER_S + PROBES * PROBE_EVERY_S
"""So long may an Abort stand unread that was made while the network had dropped a watch's
connection without telling anyone: 25 s."""

PAGE_SIZE: Final = 500
"""Objects a page: client-go's choice; at 5 kB an object a page is 2.5 MB."""

WATCH_IDLE_S: Final = 90.0
"""Silence after which a stream is asked for anew. A server sends a bookmark about each minute,
but none that is not newer than the version the stream began with: on a quiet cluster the first may
take two minutes (seen with 1.37), so one idle stream is no trouble, two in a row are."""
WATCH_LENGTH_S: Final = 300
"""A watch asks to be ended after one to two times this, so that clients spread over servers."""
WATCH_HEALTHY_S: Final = 5.0
"""A stream that stood so long, or said anything, is believed: the back-off starts afresh."""

READ_TRIES: Final = 3
"""A read is asked again on 5xx or a lost connection: three times in all, then it is an error."""
OVERLOAD_TRIES: Final = 4
"""A 429 was not executed, so even a write may be sent again: four times in all."""
OVERLOAD_WAIT_MAX_S: Final = 8.0
"""A longer Retry-After is handed to the caller: a queue waits better than a worker does."""
RETRY_AFTER_MAX_S: Final = 30.0
"""No answer may ask for more: a proxy that wishes an hour would leave releases unattended."""
CALL_RETRY_BASE_S: Final = 0.2
CALL_RETRY_CAP_S: Final = 2.0
"""Waits between tries of one call: 0.2 s, 0.4 s, ... : outlasts a server's restart of a moment."""

RECONNECT_S: Final = 0.2
"""After the first failure of a healthy stream: a foreign edit must be repaired in a second."""
RELIST_BASE_S: Final = 1.0
RELIST_CAP_S: Final = 30.0
"""Waits of a reflector: a storm of 500s costs a handful of requests, an outage two to
four a minute."""
RELIST_AFTER_S: Final = 20.0
"""A cache that no stream has kept for so long is listed instead, at each further try."""

QUEUE_RETRY_BASE_S: Final = 0.2
QUEUE_RETRY_CAP_S: Final = 60.0
"""Waits between failed reconciles of one key."""
PRIORITY_HEAD_START_S: Final = 60.0
"""One priority level goes first as if it had come so much earlier: urgent wins, none starves."""

OWN_WRITE_DEADLINE_S: Final = 10.0
"""A cache that has not shown our write by then is believed again: it may never show it."""

RELOAD_INTERVAL_S: Final = 10.0
"""Credentials are loaded anew after a 401 at most this often: an exec plug-in is not free."""

LEASE_DURATION_S: Final = 15
"""A lease unseen for so long may be taken: client-go's choice, a compromise of gap and traffic."""
LEASE_RENEW_S: Final = 5.0
"""Three renewals fit into a lease, so that two may fail."""
LEASE_RETRY_S: Final = 1.0
"""After a failed renewal."""
LEASE_POLL_S: Final = 2.0
"""How often a candidate looks; adds to the gap between two leaders."""
LEASE_MARGIN_S: Final = 5.0
"""A leader stops acting so long before its lease can expire: clocks drift, writes travel."""

EVENT_QUEUE_LENGTH: Final = 1000
"""Events that wait to be written; beyond it the oldest is dropped and counted."""
EVENT_BURST: Final = 25
"""Events an object may have at once."""
EVENT_REFILL_S: Final = 30.0
"""Then one each so many seconds: a flapping object must not fill etcd."""
EVENT_SERIES_S: Final = 600.0
"""The same event within so long raises a count instead of making another object."""
EVENT_MEMORY: Final = 4096
"""Series and objects remembered, the oldest forgotten first: bounds memory."""
EVENT_MESSAGE_MAX: Final = 1024
"""The API server refuses a longer message."""
