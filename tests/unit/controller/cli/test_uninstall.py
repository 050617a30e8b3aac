"""`blastdoor uninstall` takes no namespace: it is about the whole cluster."""

import pytest

from controller.cli.exits import Exit
from controller.cli.main import main


@pytest.mark.parametrize("option", ["-n", "--namespace"])
def test_uninstall_of_one_namespace_is_refused_before_anything_is_asked(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["uninstall", "--yes", option, "shop"])
    assert ended.value.code == Exit.USAGE
    assert f"unrecognized arguments: {option} shop" in capsys.readouterr().err


def test_uninstall_without_yes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uninstall"]) == Exit.USAGE
    assert "say --yes" in capsys.readouterr().err
