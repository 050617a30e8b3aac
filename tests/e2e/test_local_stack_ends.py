"""However the local stack ends, no process of it is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.local import deploying

pytestmark = pytest.mark.e2e

STORY = """
import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path
from controller.kube.memory import MemoryCluster
from controller.local import deploying
from controller.local.stack import LocalStack, controllers_of

async def main():
    memory = MemoryCluster(lambda: datetime.now(UTC), namespaces=("shop",))
    folder = Path({folder!r})
    async with LocalStack(memory, folder=folder, beside=(controllers_of(memory),)) as stack:
        await deploying.put_shop(memory, "v1", replicas=2)
        await deploying.until_rolled_out(memory)
        async with stack.load(50):
            (folder / "up").write_text("")
            await asyncio.sleep(600)

# A test run in the background of a shell inherits that an interrupt is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
"""


@pytest.fixture
def story(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A stack in a process of its own: two pods, Envoy and a load generator."""
    with subprocess.Popen([sys.executable, "-c", STORY.format(folder=str(tmp_path))]) as process:
        yield process
        process.kill()


def children(folder: Path) -> set[int]:
    """Processes that mention the folder, in their command line or in their environment."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in told:
                found.add(int(entry.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_process_outlives_the_stack(
    story: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals
) -> None:
    async def is_up() -> bool:
        assert story.poll() is None
        return (tmp_path / "up").exists()

    async def left() -> set[int]:
        await asyncio.to_thread(story.poll)
        return children(tmp_path) - {story.pid}

    await deploying.until(is_up, bool, 20, "the stack")
    assert len(await left()) == 4
    story.send_signal(number)
    await deploying.until(left, lambda pids: not pids, 10, "the end of all processes")
