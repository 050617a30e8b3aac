"""Official builds: checked, soft when unreachable. The server here speaks real HTTP on loopback."""

import hashlib
import io
import platform
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from controller.local.tooldownload import Downloads, RefusedError, filled_in
from controller.local.tools import TOOLS, Tool

PROGRAM = b"#!/bin/sh\necho v3.7.3\n"


def archive() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        info = tarfile.TarInfo("etcd/etcd")
        info.size = len(PROGRAM)
        tar.addfile(info, io.BytesIO(PROGRAM))
    return made.getvalue()


class Releases(HTTPServer):
    """A site with releases: path -> body; anything else is not found."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Releases

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.bodies.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the base names it
        pass


@pytest.fixture
def releases() -> Iterator[Releases]:
    with Releases() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def tool(site: str, member: str = "etcd/etcd") -> Tool:
    release, sums = f"{site}/etcd.tar.gz", f"{site}/sums"
    return replace(TOOLS["etcd"], release=release, checksums=sums, member=member)


def silent(_: str) -> None:
    pass


def test_a_program_whose_checksum_is_published_is_taken_out_of_its_archive(
    releases: Releases, tmp_path: Path
) -> None:
    body = archive()
    releases.bodies["/etcd.tar.gz"] = body
    releases.bodies["/sums"] = f"{hashlib.sha256(body).hexdigest()}  etcd.tar.gz\n".encode()
    assert Downloads(silent).fetch(tool(releases.url), tmp_path) is None
    assert (tmp_path / "etcd").read_bytes() == PROGRAM
    assert (tmp_path / "etcd").stat().st_mode & 0o111
    assert [file.name for file in tmp_path.iterdir()] == ["etcd"]


def test_a_program_with_another_checksum_never_reaches_the_folder(
    releases: Releases, tmp_path: Path
) -> None:
    releases.bodies["/etcd.tar.gz"] = archive()
    releases.bodies["/sums"] = f"{'0' * 64}  etcd.tar.gz\n".encode()
    why = Downloads(silent).fetch(tool(releases.url), tmp_path)
    assert why is not None
    assert f"{'0' * 64} is published" in why
    assert list(tmp_path.iterdir()) == []


def test_a_release_that_is_not_published_is_a_reason_and_no_error(
    releases: Releases, tmp_path: Path
) -> None:
    downloads = Downloads(silent)
    why = downloads.fetch(tool(releases.url), tmp_path)
    assert why is not None
    assert "Not Found" in why
    # A host that answers "not found" is not a silent one: the next program is asked for.
    downloads.fetch(tool(releases.url), tmp_path)
    assert releases.asked == ["/sums", "/sums"]


def test_an_archive_without_the_program_is_a_reason_and_no_error(
    releases: Releases, tmp_path: Path
) -> None:
    body = archive()
    releases.bodies["/etcd.tar.gz"] = body
    releases.bodies["/sums"] = hashlib.sha256(body).hexdigest().encode()
    why = Downloads(silent).fetch(tool(releases.url, "etcd/other"), tmp_path)
    assert why is not None
    assert "etcd/other" in why


def test_a_host_that_did_not_answer_is_not_asked_again(tmp_path: Path) -> None:
    nobody = tool("http://127.0.0.1:9")  # the discard port: refused at once
    downloads = Downloads(silent)
    first, second = (downloads.fetch(nobody, tmp_path) for _ in range(2))
    assert first is not None
    assert "refused" in first
    assert second == "127.0.0.1:9 did not answer before"


def test_an_unknown_architecture_has_no_official_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv128")
    with pytest.raises(RefusedError, match="riscv128"):
        filled_in(TOOLS["etcd"].release, TOOLS["etcd"])


def test_addresses_name_system_architecture_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    address = filled_in(TOOLS["kubectl"].release, TOOLS["kubectl"])
    assert address.endswith("/arm64/kubectl")
    assert "{" not in address
