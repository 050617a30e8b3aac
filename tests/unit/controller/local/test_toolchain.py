"""Where a program is looked for, in which order, and what is refused."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.local import toolbuild, toolchain
from controller.local.golang import BuildError
from controller.local.toolchain import ensure, ensure_gateway_api, find, find_gateway_api, require
from controller.local.tools import ETCD, GATEWAY_API, TOOLS, Tool

Environment = dict[str, str]


def silent(_: str) -> None:
    pass


def program(path: Path, says: str) -> Path:
    """A program that prints a version when it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> Environment:
    """An environment whose cache is empty and which names no folder of programs."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


@pytest.fixture
def cached(tmp_path: Path) -> Callable[[str, str], Path]:
    def put(name: str, says: str) -> Path:
        folder = tmp_path / "cache" / "blastdoor" / "testbed" / TOOLS[name].folder
        return program(folder / name, says)

    return put


def test_the_folder_that_the_user_names_comes_before_the_cache(
    tmp_path: Path, environ: Environment, cached: Callable[[str, str], Path]
) -> None:
    cached("etcd", f"etcd Version: {ETCD}")
    named = program(tmp_path / "assets" / "etcd", f"etcd Version: {ETCD}")
    found = find("etcd", environ | {"KUBEBUILDER_ASSETS": str(named.parent)})
    assert found is not None
    assert (found.path, found.source) == (named, "KUBEBUILDER_ASSETS")


def test_a_program_of_another_minor_version_is_passed_over_aloud(
    tmp_path: Path, environ: Environment, cached: Callable[[str, str], Path]
) -> None:
    kept = cached("etcd", f"etcd Version: {ETCD}")
    old = program(tmp_path / "assets" / "etcd", "etcd Version: 3.5.9")
    said: list[str] = []
    found = find("etcd", environ | {"KUBEBUILDER_ASSETS": str(old.parent)}, said.append)
    assert found is not None
    assert found.path == kept
    assert said == [f"{old} is of version 3.5.9, {ETCD} is wanted: passed over"]


@pytest.mark.parametrize("says", ["etcd Version: 3.7.2", "no version at all"])
def test_a_cached_program_that_states_another_version_does_not_count(
    environ: Environment, cached: Callable[[str, str], Path], says: str
) -> None:
    cached("etcd", says)
    assert find("etcd", environ) is None


def test_a_file_that_cannot_be_run_does_not_count(
    environ: Environment, cached: Callable[[str, str], Path]
) -> None:
    cached("etcd", f"etcd Version: {ETCD}").write_bytes(b"\x7fELF half a program")
    assert find("etcd", environ) is None


def test_a_missing_program_is_answered_by_the_command_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    with pytest.raises(toolchain.ToolMissingError, match="make testbed"):
        require("kube-apiserver")


class Built:
    """Stands where Go would: writes programs that state a version, and counts."""

    def __init__(self, stated: str = "") -> None:
        self.components: list[str] = []
        self._stated = stated

    def __call__(self, tools: list[Tool], folder: Path, say: toolchain.Say) -> None:
        self.components.append(tools[0].component)
        for tool in tools:
            program(folder / tool.name, f"v{self._stated or tool.version}")


class Unreachable:
    """Downloads of a machine without a network."""

    def __init__(self, say: toolchain.Say) -> None:
        pass

    def fetch(self, tool: Tool, folder: Path) -> str | None:
        return "no network"


def test_what_cannot_be_fetched_is_built_once_per_component_and_found_afterwards(
    monkeypatch: pytest.MonkeyPatch, environ: Environment
) -> None:
    built = Built()
    monkeypatch.setattr(toolbuild, "build", built)
    monkeypatch.setattr(toolchain, "Downloads", Unreachable)
    first = ensure(silent, environ)
    second = ensure(silent, environ)
    assert built.components == ["etcd", "kubernetes", "prometheus"]
    assert {tool.source for tool in first.values()} == {"built by Go"}
    assert {tool.source for tool in second.values()} == {"cache"}
    assert list(second) == list(TOOLS)


def test_a_build_that_states_a_wrong_version_is_removed_and_refused(
    monkeypatch: pytest.MonkeyPatch, environ: Environment, tmp_path: Path
) -> None:
    monkeypatch.setattr(toolbuild, "build", Built(stated="0.0.0"))
    monkeypatch.setattr(toolchain, "Downloads", Unreachable)
    with pytest.raises(BuildError, match=r"says it is 0\.0\.0"):
        ensure(silent, environ)
    assert not list(tmp_path.rglob("etcd"))


def test_the_gateway_kinds_are_copied_once_and_completely(
    monkeypatch: pytest.MonkeyPatch, environ: Environment, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.mkdir()
    (module / "gateway.networking.k8s.io_httproutes.yaml").write_text("kind: x\n")
    (module / "kustomization.txt").write_text("no CRD\n")
    monkeypatch.setattr(toolbuild, "gateway_api_crds", lambda say: module)
    assert find_gateway_api(environ) is None
    folder = ensure_gateway_api(silent, environ)
    assert folder == find_gateway_api(environ)
    assert folder.name == f"gateway-api-{GATEWAY_API}"
    assert [file.name for file in folder.iterdir()] == ["gateway.networking.k8s.io_httproutes.yaml"]
