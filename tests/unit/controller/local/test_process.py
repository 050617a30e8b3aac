"""Child processes: ready, dead, stopped, each with the words that help."""

import os
import select
import socket
from pathlib import Path

import pytest

from controller.local.process import (
    LOOPBACK,
    PortTakenError,
    Process,
    ProcessDiedError,
    answers_ok,
    free_ports,
    is_free,
    on_free_ports,
)


async def never() -> bool:
    return False


def shell(tmp_path: Path, script: str) -> Process:
    return Process("thing", ["sh", "-c", script], tmp_path / "thing.log")


def test_ports_chosen_together_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_no_outgoing_connection_can_take_a_chosen_port() -> None:
    outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    assert max(free_ports(20)) < int(outgoing[0])


def test_a_port_that_somebody_listens_on_is_not_chosen() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert not is_free(LOOPBACK, server.getsockname()[1])


async def test_a_program_that_ends_before_it_is_ready_shows_the_end_of_its_log(
    tmp_path: Path,
) -> None:
    process = shell(tmp_path, "echo it broke; exit 7")
    process.start()
    with pytest.raises(ProcessDiedError, match=r"(?s)thing ended with 7.*it broke"):
        await process.until_ready(never, within_s=10)


async def test_a_taken_port_is_told_apart_so_that_another_can_be_tried(tmp_path: Path) -> None:
    process = shell(tmp_path, "echo 'listen tcp: bind: address already in use'; exit 1")
    process.start()
    with pytest.raises(PortTakenError):
        await process.until_ready(never, within_s=10)


async def test_a_program_that_is_never_ready_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    process = shell(tmp_path, "sleep 60")
    process.start()
    with pytest.raises(ProcessDiedError, match="not ready within 0 s"):
        await process.until_ready(never, within_s=0)
    process.kill()


async def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    process = shell(tmp_path, "trap '' TERM; echo set; while :; do sleep 60; done")
    process.start()

    async def trap_is_set() -> bool:
        return "set" in process.log.read_text()

    await process.until_ready(trap_is_set, within_s=10)
    pid = process.pid
    assert pid is not None
    await process.stop(grace_s=0.05)
    assert process.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_children_of_the_child_end_with_it(tmp_path: Path) -> None:
    process = shell(tmp_path, "sleep 60 & echo $!; wait")
    process.start()

    async def has_child() -> bool:
        return process.log.read_text().strip().isdigit()

    await process.until_ready(has_child, within_s=10)
    ends = os.pidfd_open(int(process.log.read_text()))
    process.kill()
    # The kernel says so when the grandchild is gone, which is soon after the signal.
    assert select.select([ends], [], [], 5)[0] == [ends]
    os.close(ends)


def test_stopping_twice_or_before_the_start_does_nothing(tmp_path: Path) -> None:
    process = shell(tmp_path, "true")
    process.kill()
    process.start()
    process.kill()
    process.kill()
    assert process.pid is None


async def test_other_ports_are_tried_while_somebody_is_faster() -> None:
    left = [PortTakenError("taken"), PortTakenError("taken")]

    async def start() -> None:
        if left:
            raise left.pop()

    await on_free_ports(start)
    assert not left


async def test_what_is_not_a_taken_port_is_not_tried_again() -> None:
    tries: list[int] = []

    async def start() -> None:
        tries.append(1)
        raise ProcessDiedError("broken")

    with pytest.raises(ProcessDiedError):
        await on_free_ports(start)
    assert len(tries) == 1


async def test_nobody_who_listens_is_no_answer() -> None:
    (port,) = free_ports(1)
    assert not await answers_ok(f"http://{LOOPBACK}:{port}/ready")
