"""Pod addresses: one mapping, no address twice, no block shared between two stacks."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.local.addresses import Addresses, process_address

octets = st.integers(0, 255)


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    made = Addresses()
    yield made
    made.close()


@given(octets, octets)
def test_a_pods_process_listens_on_loopback_under_the_same_last_two_numbers(x: int, y: int) -> None:
    assert process_address(f"10.64.{x}.{y}") == f"127.64.{x}.{y}"


def test_an_address_of_no_pod_stays_as_it_is() -> None:
    assert process_address("10.65.0.1") == "10.65.0.1"


def test_no_address_is_handed_out_twice_even_beyond_one_block(addresses: Addresses) -> None:
    handed_out = [addresses.allocate() for _ in range(300)]
    assert len(set(handed_out)) == 300
    assert addresses.node_ip not in handed_out


def test_a_freed_address_comes_back_last(addresses: Addresses) -> None:
    first = addresses.allocate()
    addresses.release(first)
    assert addresses.allocate() != first


def test_two_stacks_share_no_address(addresses: Addresses) -> None:
    other = Addresses()
    try:
        assert {addresses.allocate() for _ in range(250)}.isdisjoint(
            other.allocate() for _ in range(250)
        )
    finally:
        other.close()


def test_a_block_is_free_again_once_its_stack_ends() -> None:
    first = Addresses()
    node_ip = first.node_ip
    first.close()
    second = Addresses()
    second.close()
    assert second.node_ip == node_ip
