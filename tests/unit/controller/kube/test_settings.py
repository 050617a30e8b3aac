"""Constants that only make sense beside each other."""

from __future__ import annotations

from controller.kube import settings as s


def test_a_leader_can_miss_a_renewal_and_still_acts() -> None:
    assert s.LEASE_DURATION_S - s.LEASE_MARGIN_S > s.LEASE_RENEW_S + 2 * s.LEASE_RETRY_S


def test_our_side_closes_an_unused_connection_before_the_server_does() -> None:
    assert s.KEEP_ALIVE_S < 90


def test_a_bookmark_comes_before_a_stream_counts_as_idle() -> None:
    assert s.WATCH_IDLE_S > 60


def test_a_read_is_given_up_before_the_server_gives_up() -> None:
    assert s.CONNECT_DEADLINE_S < s.WRITE_DEADLINE_S <= s.READ_DEADLINE_S < 60


def test_an_outage_costs_a_reflector_at_most_four_requests_a_minute() -> None:
    # With full jitter a wait may be half as long.
    assert s.RELIST_CAP_S / 2 >= 15
