"""Builds a testbed program from its Go module, never silently, never twice at a time.

A cold build of the Kubernetes programs takes minutes, so a line is printed every few seconds. It
works without a network once Go's module cache is warm. Knows nothing of downloads or of the order
in which a program is looked for; called by `toolchain` only.
"""

import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from controller.local.golang import BuildError, go_program
from controller.local.tools import GATEWAY_API_MODULE, Tool

Say = Callable[[str], None]

HEARTBEAT_S = 10.0
MODULES = Path(__file__).resolve().parents[2] / "testbed"


@contextmanager
def locked(folder: Path, say: Say) -> Iterator[None]:
    """Holds the folder's lock, so that two builds of one version do not run at the same time.

    The lock belongs to the open file and dies with its process: no stale lock is left by a kill.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as handle:
        started = heard = time.monotonic()
        while not _try_lock(handle.fileno()):
            if time.monotonic() - heard >= HEARTBEAT_S or heard == started:
                heard = time.monotonic()
                say(f"another build holds {folder} ({heard - started:.0f} s)")
            time.sleep(0.2)
        yield


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def build(tools: Sequence[Tool], folder: Path, say: Say) -> None:
    """Builds programs of one component and puts them into `folder`, each complete or not at all."""
    go = go_program(say)
    module = MODULES / tools[0].component
    names = ", ".join(tool.name for tool in tools)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".build-") as made:
        command = [go, "build", "-trimpath", "-buildvcs=false", "-o", f"{made}/"]
        command += ["-ldflags", tools[0].ldflags, "-tags", tools[0].tags]
        # One package at a time would link just as long; together they share the compile.
        run_with_heartbeat(
            [*command, *(tool.package for tool in tools)], module, f"building {names}", say
        )
        for tool in tools:
            built = Path(made) / _built_name(tool)
            built.replace(folder / tool.name)


def _built_name(tool: Tool) -> str:
    """What `go build` calls the program: the package's last part, a version suffix left out."""
    parts = [part for part in tool.package.split("/") if not part.removeprefix("v").isdigit()]
    return parts[-1]


def gateway_api_crds(say: Say) -> Path:
    """The folder of the Gateway API's standard CustomResourceDefinitions in Go's module cache."""
    say(f"asking Go for {GATEWAY_API_MODULE}")
    answer = subprocess.run(
        [go_program(say), "mod", "download", "-json", GATEWAY_API_MODULE],
        cwd=MODULES / "gateway-api",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if answer.returncode != 0:
        raise BuildError(f"go mod download {GATEWAY_API_MODULE}: {answer.stdout}{answer.stderr}")
    return Path(json.loads(answer.stdout)["Dir"]) / "config" / "crd" / "standard"


def run_with_heartbeat(command: Sequence[str], folder: Path, what: str, say: Say) -> None:
    """Runs a command; a line at the start, at the end and every few seconds between."""
    started = heard = time.monotonic()
    say(what)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"CGO_ENABLED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if time.monotonic() - heard >= HEARTBEAT_S:
                    heard = time.monotonic()
                    say(f"{what}: {heard - started:.0f} s so far{_last_line(output.fileno())}")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        if process.returncode != 0:
            output.seek(0)
            tail = output.read().decode(errors="replace")[-2000:]
            raise BuildError(f"{what}: {command[0]} ended with {process.returncode}:\n{tail}")
    say(f"{what}: done in {time.monotonic() - started:.0f} s")


def _last_line(descriptor: int) -> str:
    """What the command said last, as ` (...)`; empty while it has said nothing."""
    size = os.fstat(descriptor).st_size
    lines = os.pread(descriptor, 400, max(0, size - 400)).decode(errors="replace").splitlines()
    return f" ({lines[-1][:100]})" if lines else ""
