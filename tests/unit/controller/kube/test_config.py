"""Where the server is and who we are to it."""

from __future__ import annotations

import asyncio
import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from controller.api.resources import CONFIG_MAPS
from controller.kube.client import ApiServer
from controller.kube.config import (
    ConfigError,
    Connection,
    InCluster,
    Kubeconfig,
    source_of,
)
from controller.kube.port import Forbidden, Unreachable

from .conftest import ScriptedServer

A = {"metadata": {"name": "a", "namespace": "shop"}}


def kubeconfig(folder: Path, user: dict[str, Any], server: str = "http://127.0.0.1:1") -> str:
    path = folder / "config"
    path.write_text(
        json.dumps(
            {
                "clusters": [
                    {"name": "c", "cluster": {"server": server, "tls-server-name": "inner"}},
                    {"name": "d", "cluster": {"server": "http://127.0.0.1:2"}},
                ],
                "users": [{"name": "u", "user": user}],
                "contexts": [
                    {"name": "first", "context": {"cluster": "c", "user": "u"}},
                    {"name": "second", "context": {"cluster": "d", "user": "u"}},
                ],
                "current-context": "first",
            }
        )
    )
    return str(path)


def exec_plugin(folder: Path, script: str) -> dict[str, Any]:
    """A user whose token comes from a program; the script prints the credential."""
    program = folder / "plugin.py"
    program.write_text(f"#!{sys.executable}\n{script}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    api = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": api, "command": str(program)}}


COUNTING_TOKEN = """
import json, pathlib
log = pathlib.Path(__file__).with_suffix(".runs")
log.write_text(log.read_text() + "x" if log.exists() else "x")
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {"token": "t" + str(len(log.read_text()))}}))
"""


async def test_a_token_and_the_current_context_are_read(tmp_path: Path) -> None:
    connection = await Kubeconfig(kubeconfig(tmp_path, {"token": "abc"})).load()
    assert connection.url == "http://127.0.0.1:1"
    assert connection.authorization() == "Bearer abc"
    assert connection.server_name == "inner"
    assert connection.tls is None


async def test_an_impersonated_user_and_its_groups_go_with_each_request(
    tmp_path: Path, server: ScriptedServer
) -> None:
    user = {"token": "abc", "as": "alice", "as-groups": ["g1", "g2"], "as-user-extra": {"k": ["v"]}}
    source = Kubeconfig(kubeconfig(tmp_path, user, server.url))
    assert (await source.load()).headers == (
        ("Impersonate-User", "alice"),
        ("Impersonate-Group", "g1"),
        ("Impersonate-Group", "g2"),
        ("Impersonate-Extra-k", "v"),
    )
    async with ApiServer(source) as api:
        await api.list_page(CONFIG_MAPS)
    assert server.asked[0].headers["Impersonate-User"] == "alice"


async def test_another_context_can_be_named(tmp_path: Path) -> None:
    connection = await Kubeconfig(kubeconfig(tmp_path, {"token": "abc"}), "second").load()
    assert connection.url == "http://127.0.0.1:2"


async def test_an_unknown_context_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="third"):
        await Kubeconfig(kubeconfig(tmp_path, {}), "third").load()


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "clusters: {", "clusters: 7"])
async def test_a_file_that_is_no_kubeconfig_is_named_in_the_error(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "broken"
    path.write_text(text)
    with pytest.raises(ConfigError, match="broken"):
        await Kubeconfig(str(path)).load()


async def test_a_missing_file_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        await Kubeconfig(str(tmp_path / "nowhere")).load()


async def test_a_wrong_configuration_is_unreachable_and_is_not_retried(tmp_path: Path) -> None:
    async with ApiServer(Kubeconfig(str(tmp_path / "nowhere"))) as api:
        with pytest.raises(
            Unreachable, match=r"get configmaps shop/a: 0 NoConfiguration: .*nowhere"
        ):
            await api.get(CONFIG_MAPS, "shop", "a")


async def test_a_token_comes_from_an_exec_plug_in(tmp_path: Path) -> None:
    source = Kubeconfig(kubeconfig(tmp_path, exec_plugin(tmp_path, COUNTING_TOKEN)))
    assert (await source.load()).authorization() == "Bearer t1"


async def test_an_exec_plug_in_that_fails_is_an_error_and_no_anonymous_call(
    tmp_path: Path,
) -> None:
    source = Kubeconfig(kubeconfig(tmp_path, exec_plugin(tmp_path, "raise SystemExit(3)")))
    with pytest.raises(ConfigError, match="exec plug-in"):
        await source.load()


async def test_after_a_401_the_credentials_are_loaded_anew_and_the_call_repeated(
    tmp_path: Path, server: ScriptedServer
) -> None:
    user = exec_plugin(tmp_path, COUNTING_TOKEN)
    async with ApiServer(Kubeconfig(kubeconfig(tmp_path, user, server.url))) as api:
        server.answers(body=A)
        await api.get(CONFIG_MAPS, "shop", "a")
        _let_time_pass(api)
        server.refuses(401, "Unauthorized")
        server.answers(body=A)
        await api.get(CONFIG_MAPS, "shop", "a")
    tokens = [asked.headers["Authorization"] for asked in server.asked]
    assert tokens == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_server_that_always_says_401_does_not_run_the_plug_in_each_time(
    tmp_path: Path, server: ScriptedServer
) -> None:
    user = exec_plugin(tmp_path, COUNTING_TOKEN)
    async with ApiServer(Kubeconfig(kubeconfig(tmp_path, user, server.url))) as api:
        server.refuses(401, "Unauthorized", times=100)
        for _ in range(5):
            with pytest.raises(Forbidden):
                await api.get(CONFIG_MAPS, "shop", "a")
    assert (tmp_path / "plugin.runs").read_text() == "x"


async def test_of_many_calls_that_met_a_401_one_loads_and_all_are_repeated(
    server: ScriptedServer,
) -> None:
    loads = 0

    class Counting:
        async def load(self) -> Connection:
            nonlocal loads
            loads += 1
            token = f"t{loads}"
            return Connection(server.url, None, lambda: token)

    async with ApiServer(Counting()) as api:
        server.answers(body=A)
        await api.get(CONFIG_MAPS, "shop", "a")
        _let_time_pass(api)
        server.refuses(401, "Unauthorized", times=5)
        server.answers(body=A, times=5)
        await asyncio.gather(*(api.get(CONFIG_MAPS, "shop", "a") for _ in range(5)))
    assert loads == 2


async def test_outside_of_a_pod_there_is_no_service_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(ConfigError, match="service account"):
        await InCluster().load()


def test_inside_of_a_pod_its_account_is_meant_unless_a_file_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert source_of() == Kubeconfig()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert source_of() == InCluster()
    assert source_of("file") == Kubeconfig("file")
    assert source_of(context="c") == Kubeconfig("", "c")


def _let_time_pass(api: ApiServer) -> None:
    """As if the credentials had been loaded an hour ago."""
    api._http._loaded_at -= 3600
