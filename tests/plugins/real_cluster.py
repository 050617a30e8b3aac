"""Fixtures of a real API server: the testbed's, or the cluster of `--kubeconfig`.

`control_plane` is one for the whole run; `namespace` is a fresh one for each test, so that tests
share the server and nothing else. With `--kubeconfig` nothing is started: users other than admin
are impersonated, and what only a testbed can do (kill a component) is not there.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from controller.api.names import API_VERSION
from controller.local import toolchain
from controller.local.controlplane import ControlPlane
from controller.local.kubectl import Ran, run_kubectl
from controller.local.users import USERS


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kubeconfig",
        type=Path,
        default=None,
        help="run the tests against this cluster instead of the testbed (its admin's kubeconfig)",
    )


class ExternalCluster:
    """A cluster that is already there, in the shape of `ControlPlane`."""

    def __init__(self, kubeconfig: Path, folder: Path) -> None:
        self.folder = folder
        self.kubectl_path = toolchain.require("kubectl")
        self._original = kubeconfig
        config = yaml.safe_load(kubeconfig.read_text())
        by_name = {one["name"]: one["context"] for one in config["contexts"]}
        context = by_name[config["current-context"]]
        clusters = {one["name"]: one["cluster"] for one in config["clusters"]}
        self.url = str(clusters[context["cluster"]]["server"])
        for short, user in USERS.items():
            for entry in config["users"]:
                if entry["name"] == context["user"] and short != "admin":
                    entry["user"] |= {"as": user.name, "as-groups": list(user.groups)}
            (folder / f"{short}.kubeconfig").write_text(yaml.safe_dump(config))

    def kubeconfig(self, user: str = "admin") -> Path:
        return self._original if user == "admin" else self.folder / f"{user}.kubeconfig"

    async def kubectl(
        self,
        *arguments: str,
        user: str = "admin",
        input: str | None = None,  # noqa: A002  as subprocess names it
        check: bool = True,
    ) -> Ran:
        cache = self.folder / "kubectl-cache"
        return await run_kubectl(
            self.kubectl_path, self.kubeconfig(user), cache, arguments, given=input, check=check
        )


RealCluster = ControlPlane | ExternalCluster
AUTHORIZED_WITHIN_S = 20.0
POLICY_ACTS_WITHIN_S = 60.0


@pytest.fixture(scope="session")
def control_plane(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealCluster]:
    """A real API server with the Gateway API's kinds, for the whole run."""
    kubeconfig = request.config.getoption("--kubeconfig")
    if kubeconfig is not None:
        yield ExternalCluster(kubeconfig, tmp_path_factory.mktemp("kubeconfigs"))
        return
    # A loop of its own: a control plane belongs to no loop, so tests may each have theirs.
    with asyncio.Runner() as runner:
        plane = runner.run(ControlPlane().__aenter__())
        try:
            runner.run(plane.install_manifests(None))
            yield plane
        finally:
            runner.run(plane.__aexit__(None, None, None))


async def may(plane: RealCluster, user: str, verb: str, resource: str, *more: str) -> bool:
    """Whether the authorizer lets somebody do that."""
    ran = await plane.kubectl("auth", "can-i", verb, resource, *more, user=user, check=False)
    return ran.stdout.strip() == "yes"


async def until_may(
    plane: RealCluster, user: str, verb: str, resource: str, namespace: str
) -> None:
    """The authorizer hears of a binding a moment after it was made: nobody may act before."""
    for _ in range(int(AUTHORIZED_WITHIN_S / 0.2)):
        if await may(plane, user, verb, resource, "-n", namespace):
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{user} still may not {verb} {resource}")


async def until_signing(plane: RealCluster, namespace: str) -> None:
    """The policy that fills in who signs acts some seconds after its kind is served; in between
    the server refuses Signoffs with 503, as it does not know the kind's schema yet."""
    one = {
        "apiVersion": API_VERSION,
        "kind": "Signoff",
        "metadata": {"generateName": "one-", "namespace": namespace},
        "spec": {"rollout": "none", "decision": "Abort"},
    }
    arguments = ("create", "--dry-run=server", "-o", "yaml", "-f", "-")
    for _ in range(int(POLICY_ACTS_WITHIN_S / 0.2)):
        ran = await plane.kubectl(*arguments, input=json.dumps(one), check=False)
        if "by: " in ran.stdout:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"Signoffs are not filled in: {ran.stderr or ran.stdout}")


@pytest_asyncio.fixture
async def namespace(control_plane: RealCluster) -> AsyncIterator[str]:
    """The name of a fresh namespace; its deletion is asked for at the end and not waited for."""
    name = f"test-{secrets.token_hex(4)}"
    await control_plane.kubectl("create", "namespace", name)
    yield name
    await control_plane.kubectl("delete", "namespace", name, "--wait=false")
