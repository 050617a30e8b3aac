"""Builds: one at a time, never silent, a failure that shows what the compiler said."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from controller.local import toolbuild
from controller.local.golang import BuildError
from controller.local.toolbuild import locked, run_with_heartbeat


def test_a_second_build_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        def say(line: str) -> None:
            order.append(line.split("(")[0].strip())
            waiting.set()

        with locked(tmp_path, say):
            order.append("second holds it")

    with locked(tmp_path, order.append):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        order.append("first lets go")
    thread.join(5)
    assert order == [f"another build holds {tmp_path}", "first lets go", "second holds it"]


def test_a_lock_does_not_outlive_a_killed_process(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom controller.local.toolbuild import locked\n"
        "with locked(Path(sys.argv[1]), print):\n"
        "    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    said: list[str] = []
    with locked(tmp_path, said.append):
        assert said == []


def test_a_long_build_is_heard_and_repeats_what_the_compiler_said_last(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(toolbuild, "HEARTBEAT_S", 0.0)
    heard = tmp_path / "heard"
    # The build ends once it has been heard, so nothing here depends on how fast we are.
    wait = f"echo fetching modules; until [ -e {heard} ]; do sleep 0.01; done"
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if "fetching modules" in line:
            heard.touch()

    run_with_heartbeat(["sh", "-c", wait], tmp_path, "building x", say)
    assert said[0] == "building x"
    assert any("so far (fetching modules)" in line for line in said)
    assert "done in" in said[-1]


def test_a_failed_build_shows_the_end_of_what_the_compiler_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"(?s)building x: sh ended with 3.*undefined: y"):
        run_with_heartbeat(
            ["sh", "-c", "echo 'undefined: y'; exit 3"], tmp_path, "building x", lambda _: None
        )
