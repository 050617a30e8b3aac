"""Instants of a recording as people write and read them. Pure; called by the back-test commands."""

from __future__ import annotations

from datetime import UTC, datetime

from controller.cli.exits import CommandError, Exit


def seconds(text: str) -> float:
    """An instant as seconds; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(
            f"a time must be as 2026-11-20T10:00:00Z; came {text}", Exit.USAGE
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def clock(time_s: float) -> str:
    """A recording may count from zero; then the seconds are what there is to say."""
    if time_s < 1e8:
        return f"{time_s:8.0f} s"
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
