"""The documents say what is true: their YAML is accepted, what they name exists."""

import re
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.cli.parser import commands
from controller.core.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WRITTEN = [page for page in PAGES if page.parent.name != "reference"]
WIDTH = 105
"""Text is wrapped at 100; the end of a formula may stick out a little."""


def blocks(page: Path, *languages: str) -> list[str]:
    """The code blocks of a page in these languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "yaml")], ids=name)
def test_the_yaml_of_a_page_is_accepted_by_lint(
    page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "blocks.yaml"
    manifest.write_text("---\n".join(blocks(page, "yaml")))
    assert main(["lint", "-f", str(manifest)]) == 0, capsys.readouterr().out


def test_the_readme_shows_a_rollout_and_a_template() -> None:
    shown = "".join(blocks(ROOT / "README.md", "yaml"))
    assert re.findall(r"^kind: (\w+)", shown, re.MULTILINE) == ["Rollout", "AnalysisTemplate"]


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_files_that_commands_of_a_page_name_exist(page: Path) -> None:
    shell = "".join(blocks(page, "sh", "console"))
    named = re.findall(
        r"(?:-k|-f|--config|ARGS=\") ?((?:[\w.-]+/)+[\w.-]*|kind-config.yaml)", shell
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text()
    named = set(re.findall(r"`(?:kubectl )?blastdoor ([a-z]+)", text))
    named |= set(re.findall(r"^\$? ?blastdoor ([a-z]+)", text, re.MULTILINE))
    assert named <= {command.name for command in commands()}


@pytest.mark.parametrize(
    "page", [*WRITTEN, ROOT / "manifests/alerts/blastdoor.rules.yaml"], ids=name
)
def test_operator_metrics_that_a_page_names_exist(page: Path) -> None:
    known = (ROOT / "docs/reference/metrics.md").read_text()
    named = set(re.findall(r"blastdoor_[a-z_]+[a-z]", page.read_text()))
    assert {metric for metric in named if f"`{metric}`" not in known} == set()


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_reasons_that_alerts_of_a_page_name_exist(page: Path) -> None:
    named = set(re.findall(r'reason="(\w+)"', page.read_text()))
    assert named <= {reason.value for reason in Reason}


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_lines_of_text_are_not_too_long(page: Path) -> None:
    lines = page.read_text().splitlines()
    assert [line for line in lines if len(line) > WIDTH and not line.startswith("|")] == []


def test_each_decision_fits_on_a_page() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [d.name[:4] for d in decisions] == [f"{n:04}" for n in range(1, len(decisions) + 1)]
    assert [d.name for d in decisions if len(d.read_text().splitlines()) > 60] == []
