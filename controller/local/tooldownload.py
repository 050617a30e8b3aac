"""Fetches the official build of a testbed program and checks it against the published SHA-256.

It fails softly: a host that cannot be reached costs a few seconds once and `fetch` answers with the
reason, upon which the caller builds from source. Called by `toolchain` only.
"""

import hashlib
import os
import platform
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from controller.local.tools import Tool, checksum_for

Say = Callable[[str], None]

REACH_S = 4.0  # to resolve and answer; beyond it a build from source is the better way
STALL_S = 15.0
HEARTBEAT_S = 5.0
_CHUNK = 1 << 20
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class RefusedError(Exception):
    """The official build cannot be had; the text says why."""


class Downloads:
    """Official builds, and which hosts have already failed to answer in this run."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._silent_hosts: set[str] = set()

    def fetch(self, tool: Tool, folder: Path) -> str | None:
        """Puts the checked program into `folder`; None when it is there, else why it is not."""
        try:
            self._fetch(tool, folder)
        except RefusedError as refused:
            return str(refused)
        except (OSError, tarfile.TarError, KeyError) as error:
            return f"{type(error).__name__}: {error}"
        return None

    def _fetch(self, tool: Tool, folder: Path) -> None:
        address = filled_in(tool.release, tool)
        sums = self._small(filled_in(tool.checksums, tool))
        expected = checksum_for(address.rsplit("/", 1)[1], sums)
        if expected is None:
            raise RefusedError(f"no SHA-256 is published for {address}")
        with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as work:
            fetched = Path(work) / "fetched"
            found = self._save(address, fetched)
            if found != expected:
                raise RefusedError(f"{address} has SHA-256 {found}, {expected} is published")
            program = _unpacked(fetched, filled_in(tool.member, tool))
            program.chmod(0o755)
            program.replace(folder / tool.name)

    def _small(self, address: str) -> str:
        """A small text, within REACH_S all told: a resolver may hang beyond any time-out."""
        host = urlsplit(address).netloc
        if host in self._silent_hosts:
            raise RefusedError(f"{host} did not answer before")
        answer: list[str | Exception] = []

        def read() -> None:
            try:
                with urllib.request.urlopen(address, timeout=REACH_S) as response:
                    answer.append(response.read(_CHUNK).decode())
            except urllib.error.HTTPError as error:
                error.close()  # it holds the connection
                answer.append(error)
            except (OSError, ValueError) as error:
                answer.append(error)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(REACH_S)
        got = answer[0] if answer else TimeoutError(f"no answer within {REACH_S:.0f} s")
        if isinstance(got, str):
            return got
        if not isinstance(got, urllib.error.HTTPError):
            self._silent_hosts.add(host)
        raise RefusedError(f"{host}: {getattr(got, 'reason', got)}")

    def _save(self, address: str, target: Path) -> str:
        """Writes the body to `target`, says how far it is; returns its SHA-256."""
        self._say(f"fetching {address}")
        digest, size = hashlib.sha256(), 0
        heard = time.monotonic()
        with urllib.request.urlopen(address, timeout=STALL_S) as body, target.open("wb") as out:
            while chunk := body.read(_CHUNK):
                digest.update(chunk)
                size += _written(out, chunk)
                if time.monotonic() - heard >= HEARTBEAT_S:
                    heard = time.monotonic()
                    self._say(f"fetching {address}: {size / 1e6:.0f} MB so far")
        return digest.hexdigest()


def _written(out: BinaryIO, chunk: bytes) -> int:
    return out.write(chunk)


def filled_in(template: str, tool: Tool) -> str:
    """An address or member name with this machine's system and architecture filled in."""
    machine = platform.machine().lower()
    architecture = _ARCHITECTURES.get(machine)
    if architecture is None:
        raise RefusedError(f"no official build is known for {machine}")
    system = os.uname().sysname.lower()
    return template.format(os=system, arch=architecture, version=tool.version)


def _unpacked(fetched: Path, member: str) -> Path:
    """The program itself: the file fetched, or one named member of the archive."""
    if not member:
        return fetched
    program = fetched.with_name("program")
    with tarfile.open(fetched) as archive, program.open("wb") as out:
        source = archive.extractfile(member)
        if source is None:
            raise RefusedError(f"{member} in the archive is not a file")
        while chunk := source.read(_CHUNK):
            out.write(chunk)
    return program
