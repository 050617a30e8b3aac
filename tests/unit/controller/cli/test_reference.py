"""The generated pages are fresh and complete: no command, option or field without a word."""

import subprocess
import sys
from pathlib import Path

import pytest

from controller.api.crd import object_schema
from controller.api.crd_tables import KINDS
from controller.cli import reference
from controller.cli.exits import MEANING, Exit
from controller.cli.main import main
from controller.cli.parser import build, commands

ROOT = Path(__file__).parents[4]


def test_the_pages_say_what_the_program_says() -> None:
    code = reference.main(["--check", "--root", str(ROOT)])
    assert code == 0, "run `python -m controller.cli.reference`"


def test_a_stale_page_fails_the_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reference.main(["--check", "--root", str(tmp_path)]) == 1
    assert "cli.md is stale" in capsys.readouterr().err
    assert reference.main(["--root", str(tmp_path)]) == 0
    assert reference.main(["--check", "--root", str(tmp_path)]) == 0


def test_every_command_has_help_a_section_and_an_example() -> None:
    page = reference.cli_page()
    for command in commands():
        assert command.help, command.name
        assert command.examples, command.name
        assert f"\n## {command.name}\n" in page


def test_every_option_has_help() -> None:
    page = reference.cli_page()
    parser = build()
    for action in parser._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr, attr-defined]
        for option in action._actions:
            assert option.help, f"{action.prog} {option.dest}"
            for name in option.option_strings:
                assert f"`{name}`" in page or name in ("-h", "--help")


def test_every_field_of_every_kind_is_on_the_page() -> None:
    page = reference.crd_page_with_note()
    for kind in KINDS:
        for part in ("spec", "status"):
            for name in object_schema(kind)["properties"][part]["properties"]:
                assert f"| `{name}`" in page, f"{kind.type.__name__} {part}.{name}"


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANING) == set(Exit)


def test_no_command_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().out


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == main(["--version"]) == 0
    assert capsys.readouterr().out.count("blastdoor 0.") == 2


def test_uninstall_wants_to_be_told_twice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uninstall"]) == 2
    assert "say --yes" in capsys.readouterr().err


def test_the_command_line_starts_without_what_only_a_cluster_needs() -> None:
    loaded = "import sys, controller.cli.parser as p; p.build(); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {"kubernetes", "aiohttp", "numpy", "scipy", "matplotlib"}
    assert not heavy & set(ran.stdout.split())
