"""Which Go compiler may build the testbed."""

import pytest

from controller.local.golang import serves


@pytest.mark.parametrize(
    ("version", "toolchain", "fits"),
    [
        ("go1.26.8", "local", True),
        ("go1.27.0", "auto", True),
        ("go1.22.5", "auto", True),
        ("go1.22.5", "local", False),
        ("go1.19.8", "", False),
        ("devel", "auto", False),
        ("", "", False),
    ],
    ids=lambda value: str(value) or "nothing",
)
def test_a_compiler_serves_if_it_is_new_enough_or_may_fetch_one_that_is(
    version: str, toolchain: str, fits: bool
) -> None:
    assert serves(version, toolchain) is fits
