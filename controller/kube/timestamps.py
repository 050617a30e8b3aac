"""A moment as Kubernetes writes it. Pure; for whatever writes a time into an object by hand."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """`metav1.Time`: RFC 3339 in UTC, to the second.

    >>> stamp(datetime(2026, 11, 24, 12, 0, 1, 900_000, tzinfo=UTC))
    '2026-11-24T12:00:01Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(moment: datetime) -> str:
    """`metav1.MicroTime`, as a Lease wants it.

    >>> micro_stamp(datetime(2026, 11, 24, 12, 0, 1, 900_000, tzinfo=UTC))
    '2026-11-24T12:00:01.900000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
