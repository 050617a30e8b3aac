"""Every reason has a meaning for people."""

from controller.core.reasons import MEANING, Reason


def test_every_reason_has_a_meaning() -> None:
    assert set(MEANING) == set(Reason)
