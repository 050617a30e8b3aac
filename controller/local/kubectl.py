"""Runs the testbed's own kubectl: as one user, with a deadline, away from the person's own caches.

Used by the control plane, the demo and the tests. The kubectl on PATH is never used: it may be of
any version.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ran:
    """What a kubectl call ended with."""

    returncode: int
    stdout: str
    stderr: str


class KubectlError(Exception):
    """kubectl refused or failed; `ran` is what it said."""

    def __init__(self, arguments: Sequence[str], kubeconfig: Path, ran: Ran) -> None:
        self.ran = ran
        super().__init__(
            f"kubectl {' '.join(arguments)} with {kubeconfig.name} ended with {ran.returncode}: "
            f"{ran.stderr}"
        )


async def run_kubectl(
    program: Path,
    kubeconfig: Path,
    cache: Path,
    arguments: Sequence[str],
    given: str | None = None,
    check: bool = True,
    timeout_s: float = 60.0,
) -> Ran:
    """Runs kubectl with `given` as its input; raises `KubectlError` unless `check` is off.

    `cache` must belong to this cluster: what kubectl remembers is keyed by host and port, and a
    later testbed may get the same port.
    """
    child = await asyncio.create_subprocess_exec(
        program,
        f"--kubeconfig={kubeconfig}",
        f"--cache-dir={cache}",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_s):
            out, err = await child.communicate(None if given is None else given.encode())
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        raise
    ran = Ran(child.returncode or 0, out.decode(), err.decode())
    if check and ran.returncode != 0:
        raise KubectlError(arguments, kubeconfig, ran)
    return ran
