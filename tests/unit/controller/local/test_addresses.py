"""Pod addresses: one mapping, no address twice, no block shared between two stacks."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.local.addresses import Addresses, pod_address, process_address

octets = st.integers(0, 255)


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    made = Addresses()
    yield made
    made.close()


@given(octets, octets)
def test_a_pod_address_and_its_process_address_map_to_each_other(x: int, y: int) -> None:
    pod = f"10.64.{x}.{y}"
    assert process_address(pod) == f"127.64.{x}.{y}"
    assert pod_address(process_address(pod)) == pod


def test_an_address_of_no_pod_stays_as_it_is() -> None:
    assert process_address("10.65.0.1") == "10.65.0.1"
    assert pod_address("127.0.0.1") == "127.0.0.1"


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
