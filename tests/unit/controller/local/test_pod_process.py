"""The process of a pod: its end, its grace, and that nothing of it is left."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from controller.local.pod_process import PodProcess


def process(folder: Path, command: Sequence[str]) -> PodProcess:
    made = PodProcess("pod", command, {"GREETING": "hello"}, folder / "pod.log")
    made.start()
    return made


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110  another process makes it true
            await asyncio.sleep(0.01)


async def log_says(folder: Path, text: str) -> None:
    await until(lambda: text in (folder / "pod.log").read_text())


async def test_its_exit_code_and_environment_are_the_processs_own(tmp_path: Path) -> None:
    run = process(tmp_path, ["sh", "-c", "echo $GREETING; exit 3"])
    async with asyncio.timeout(10):
        assert await run.exited() == 3
    assert run.tail() == "hello"


async def test_python_in_a_command_is_the_one_that_runs_us(tmp_path: Path) -> None:
    run = process(tmp_path, ["python", "-c", "import sys; print(sys.prefix)"])
    async with asyncio.timeout(10):
        assert await run.exited() == 0
    assert run.tail() == sys.prefix


async def test_it_has_the_grace_period_to_end_well(tmp_path: Path) -> None:
    run = process(
        tmp_path,
        ["sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.01; done"],
    )
    await log_says(tmp_path, "up")
    await run.end(grace_s=10)
    assert run.tail().endswith("bye")


async def test_after_the_grace_period_it_is_killed_with_its_children(tmp_path: Path) -> None:
    run = process(
        tmp_path, ["sh", "-c", "trap '' TERM; sleep 600 & echo child $!; wait; sleep 600"]
    )
    await log_says(tmp_path, "child")
    child = int(run.tail().split()[-1])
    await run.end(grace_s=0.05)
    await until(lambda: not is_running(child))


async def test_a_wait_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    run = process(tmp_path, ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 0.01; done"])
    await log_says(tmp_path, "\n")
    pid = int(run.tail())
    ending = asyncio.create_task(run.end(grace_s=600))
    await asyncio.sleep(0.02)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Neither gone nor a zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_test_itself_is_running() -> None:
    assert is_running(os.getpid())
