"""Finds the programs of the testbed, and brings those that are missing. `make testbed` runs it.

The order, for each program: the folder named by $KUBEBUILDER_ASSETS; the cache,
~/.cache/blastdoor/testbed/<component>-<version>/; the official build, checked against its SHA-256;
a build by Go from the module in testbed/. Whatever is found must say the right version of itself.

`find` only looks and is what tests and the control plane use; `ensure` also brings. A build takes
minutes, so nothing with a time limit may call `ensure`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from controller.local import toolbuild
from controller.local.cache import programs_folder
from controller.local.golang import BuildError
from controller.local.tooldownload import Downloads
from controller.local.tools import GATEWAY_API, TOOLS, Tool, same_minor, version_in

Say = Callable[[str], None]


class ToolMissingError(Exception):
    """A program of the testbed is not there; the text says which command brings it."""


@dataclass(frozen=True)
class Found:
    """One program: where it is, what it says its version is, and which source it came from."""

    path: Path
    version: str
    source: str


def stated_version(tool: Tool, path: Path) -> str | None:
    """The version that the program states when it is asked; None if it cannot be run."""
    try:
        answer = subprocess.run(
            [path, *tool.ask_version], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return None
    return version_in(answer.stdout + answer.stderr) if answer.returncode == 0 else None


def find(
    name: str, environ: Mapping[str, str] = os.environ, say: Say | None = None
) -> Found | None:
    """The program from $KUBEBUILDER_ASSETS or the cache; None if neither has a fitting one."""
    tool = TOOLS[name]
    assets = environ.get("KUBEBUILDER_ASSETS")
    if assets and (path := Path(assets) / name).is_file():
        version = stated_version(tool, path)
        if version is not None and same_minor(version, tool.version):
            return Found(path, version, "KUBEBUILDER_ASSETS")
        if say is not None:
            say(f"{path} is of version {version}, {tool.version} is wanted: passed over")
    path = programs_folder(environ) / tool.folder / name
    if path.is_file() and stated_version(tool, path) == tool.version:
        return Found(path, tool.version, "cache")
    return None


def require(name: str) -> Path:
    """The program's path, for those who must not build; `ToolMissingError` says what to run."""
    found = find(name)
    if found is None:
        raise ToolMissingError(f"{name} {TOOLS[name].version} is not here yet: run `make testbed`")
    return found.path


def find_gateway_api(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder with the Gateway API's standard CRDs in the cache; None if it is not there."""
    folder = programs_folder(environ) / f"gateway-api-{GATEWAY_API}"
    return folder if any(folder.glob("*httproutes.yaml")) else None


def require_gateway_api() -> Path:
    """The folder of the Gateway API's CRDs; `ToolMissingError` says what to run."""
    folder = find_gateway_api()
    if folder is None:
        raise ToolMissingError("the Gateway API's CRDs are not here yet: run `make testbed`")
    return folder


def ensure(say: Say, environ: Mapping[str, str] = os.environ) -> dict[str, Found]:
    """Every program of the testbed, fetched or built where it is missing."""
    found = {name: find(name, environ, say) for name in TOOLS}
    missing = [TOOLS[name] for name, where in found.items() if where is None]
    downloads = Downloads(say)
    for _, group in groupby(missing, key=lambda tool: tool.folder):
        tools = list(group)
        folder = programs_folder(environ) / tools[0].folder
        with toolbuild.locked(folder, say):
            found |= _bring(tools, folder, downloads, say)
    return {name: where for name, where in found.items() if where is not None}


def _bring(tools: list[Tool], folder: Path, downloads: Downloads, say: Say) -> dict[str, Found]:
    """Fetches what can be fetched and builds the rest; the caller holds the folder's lock."""
    brought: dict[str, Found] = {}
    to_build: list[Tool] = []
    for tool in tools:
        path = folder / tool.name
        if path.is_file() and stated_version(tool, path) == tool.version:
            brought[tool.name] = Found(path, tool.version, "cache")  # another run was faster
        elif (why_not := downloads.fetch(tool, folder)) is None:
            brought[tool.name] = _checked(tool, path, "official build")
        else:
            say(f"no official build of {tool.name} {tool.version} ({why_not})")
            to_build.append(tool)
    if to_build:
        toolbuild.build(to_build, folder, say)
    for tool in to_build:
        brought[tool.name] = _checked(tool, folder / tool.name, "built by Go")
    return brought


def _checked(tool: Tool, path: Path, source: str) -> Found:
    version = stated_version(tool, path)
    if version != tool.version:
        path.unlink(missing_ok=True)
        raise BuildError(
            f"{tool.name} ({source}) says it is {version}, {tool.version} is wanted: removed"
        )
    return Found(path, version, source)


def ensure_gateway_api(say: Say, environ: Mapping[str, str] = os.environ) -> Path:
    """The Gateway API's standard CRDs, copied from Go's module cache into the testbed's."""
    folder = programs_folder(environ) / f"gateway-api-{GATEWAY_API}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with toolbuild.locked(folder.with_suffix(".lock-folder"), say):
        if find_gateway_api(environ) is None:
            _copy_whole(toolbuild.gateway_api_crds(say), folder)
    return folder


def _copy_whole(source: Path, target: Path) -> None:
    """Copies the YAML files so that the target is either complete or not there."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copy-") as work:
        copy = Path(work) / "crds"
        copy.mkdir()
        for file in sorted(source.glob("*.yaml")):
            # Go's module cache is read-only; the copy must be removable.
            shutil.copyfile(file, copy / file.name)
        shutil.rmtree(target, ignore_errors=True)
        copy.rename(target)


def main() -> int:
    """`python -m controller.local.toolchain`: brings all, prints where each came from."""
    started = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - started:6.1f} s] {line}\n")
        sys.stdout.flush()

    try:
        found = ensure(say)
        crds = ensure_gateway_api(say)
    except BuildError as error:
        sys.stderr.write(f"testbed: {error}\n")
        return 1
    for name, tool in found.items():
        sys.stdout.write(f"{name:24} {tool.version:8} {tool.source:18} {tool.path}\n")
    sys.stdout.write(f"{'gateway-api':24} {GATEWAY_API:8} {'':18} {crds}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
