"""Makes `.venv` from the lock file: the same packages on every machine, and at once when unchanged.

`make` runs it before anything else, with any Python from 3.11 on and nothing installed: uv, pinned
with its hashes, comes from the package index into the cache of the user. It must not import
anything but the standard library. Where a package of the system is missing it installs it (as root,
on Debian and its kin) or says what to install.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
READY = VENV / ".ready"
LOCK = ROOT / "requirements.lock"
UV_LOCK = ROOT / "scripts" / "uv.lock"
HEARTBEAT_S = 10.0
OLDEST_PYTHON = (3, 11)

_started = time.monotonic()


class SetupError(Exception):
    """Something is missing that cannot be brought; the text says what to do."""


def say(line: str) -> None:
    sys.stdout.write(f"[setup {time.monotonic() - _started:5.1f} s] {line}\n")
    sys.stdout.flush()


def run(command: Sequence[str | Path], what: str) -> None:
    """Runs a command; a line at the start and every few seconds, its output only if it fails."""
    say(what)
    heard = time.monotonic()
    # uv trusts its own list of authorities unless told that the machine's list counts.
    environment = {"UV_SYSTEM_CERTS": "1"} | os.environ
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            [str(word) for word in command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        while child.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - heard >= HEARTBEAT_S:
                heard = time.monotonic()
                say(f"{what}: still at it")
        if child.returncode != 0:
            output.seek(0)
            raise SetupError(f"{what} failed:\n{output.read().decode(errors='replace')[-3000:]}")


def cache_folder() -> Path:
    """The user's cache, shared by all clones."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blastdoor"


def pinned_uv() -> Path:
    """The uv of `uv.lock`, from the cache or else from the package index."""
    version = UV_LOCK.read_text().split("uv==", 1)[1].split()[0]
    folder = cache_folder() / f"uv-{version}"
    if not (folder / "bin" / "uv").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".uv-") as work:
            fetched = Path(work) / "uv"
            source: list[str | Path] = ["--target", fetched, "--require-hashes", "-r", UV_LOCK]
            run([*installer(Path(work)), *source], f"fetching uv {version}")
            shutil.rmtree(folder, ignore_errors=True)
            fetched.rename(folder)
    return folder / "bin" / "uv"


def installer(work: Path) -> list[str | Path]:
    """The start of a command that installs a package, whatever this machine has for it."""
    if _works(sys.executable, "-m", "pip"):
        return [sys.executable, "-m", "pip", "install", "-q", "--no-deps"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "-q", "--no-deps"]
    if _works(sys.executable, "-m", "ensurepip"):
        run([sys.executable, "-m", "venv", work / "venv"], "making a place for pip")
        return [work / "venv" / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps"]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run(["apt-get", "update", "-q"], "apt-get update")
        packages = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-pip"]
        run(packages, "apt-get install python3-pip")
        return ["/usr/bin/python3", "-m", "pip", "install", "-q", "--no-deps"]
    raise SetupError(
        f"{sys.executable} has neither pip nor ensurepip, and there is no uv: install one of them, "
        "as with `apt-get install python3-pip`, and run this again"
    )


def _works(*command: str) -> bool:
    answer = subprocess.run([*command, "--version"], capture_output=True, check=False)
    return answer.returncode == 0


def digest() -> str:
    """What the environment depends on; equal means that nothing has to be done."""
    parts = [LOCK.read_bytes(), (ROOT / "pyproject.toml").read_bytes(), sys.version.encode()]
    return hashlib.sha256(b"\0".join([*parts, str(ROOT).encode()])).hexdigest()


def make_environment() -> None:
    """Brings `.venv` to what the lock file says."""
    uv = pinned_uv()
    python = VENV / "bin" / "python"
    if not python.exists():
        run([uv, "venv", "-q", "--clear", "--python", sys.executable, VENV], "making .venv")
    install: list[str | Path] = [uv, "pip", "install", "-q", "--python", python]
    run([*install, "--require-hashes", "-r", LOCK], "installing the packages of requirements.lock")
    run([*install, "--no-deps", "-e", "."], "installing blastdoor")
    link = VENV / "bin" / "uv"
    link.unlink(missing_ok=True)
    link.symlink_to(uv)


def main() -> int:
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        sys.stderr.write(f"Python {wanted} or later is needed: make PYTHON=python{wanted}\n")
        return 1
    wanted_digest = digest()
    if READY.exists() and READY.read_text() == wanted_digest:
        READY.touch()  # so that make sees it newer than the files it depends on
        return 0
    try:
        make_environment()
    except SetupError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    READY.write_text(wanted_digest)
    say("ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
