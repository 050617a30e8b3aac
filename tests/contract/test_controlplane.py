"""The testbed itself: real servers of the right version, side by side, and nothing left behind."""

import asyncio
import json
import os
import ssl
import sys
import time
from pathlib import Path

import pytest
from aiohttp import web

from controller.local.components import APISERVER, ETCD, MANAGER
from controller.local.controlplane import ControlPlane
from controller.local.kubectl import KubectlError
from controller.local.process import ProcessDiedError, free_ports
from controller.local.tools import KUBERNETES
from tests.plugins.real_cluster import RealCluster

pytestmark = pytest.mark.e2e


async def test_server_and_kubectl_state_the_version_that_was_asked_for(
    control_plane: RealCluster,
) -> None:
    printed = json.loads((await control_plane.kubectl("version", "-o", "json")).stdout)
    assert printed["clientVersion"]["gitVersion"] == f"v{KUBERNETES}"
    assert printed["serverVersion"]["gitVersion"] == f"v{KUBERNETES}"
    assert (printed["serverVersion"]["major"], printed["serverVersion"]["minor"]) == ("1", "37")


async def test_controllers_make_pods_of_a_deployment(
    control_plane: RealCluster, namespace: str
) -> None:
    await control_plane.kubectl("create", "deployment", "web", "--image=web:1", "-n", namespace)
    await control_plane.kubectl(
        "wait", "--for=create", "pod", "-l", "app=web", "-n", namespace, "--timeout=20s"
    )


async def test_mutating_admission_policies_are_served_without_a_feature_gate(
    control_plane: RealCluster,
) -> None:
    kinds = await control_plane.kubectl(
        "api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name"
    )
    assert "mutatingadmissionpolicies.admissionregistration.k8s.io" in kinds.stdout


async def test_each_user_has_the_identity_that_rules_are_written_for(
    control_plane: RealCluster,
) -> None:
    who = await control_plane.kubectl("auth", "whoami", "-o", "json", user="operator")
    info = json.loads(who.stdout)["status"]["userInfo"]
    assert info["username"] == "system:serviceaccount:blastdoor-system:blastdoor"
    assert "system:serviceaccounts:blastdoor-system" in info["groups"]
    with pytest.raises(KubectlError, match="forbidden"):
        await control_plane.kubectl("get", "secrets", "-A", user="mallory")


async def test_a_local_server_behind_a_service_address_serves_an_aggregated_api() -> None:
    address, port, users_seen = "127.96.10.10", free_ports(1)[0], []

    async def pod_metrics(request: web.Request) -> web.Response:
        users_seen.append(request.headers.get("X-Remote-User"))
        return web.json_response({"kind": "PodMetricsList", "items": []})

    app = web.Application()
    app.router.add_get("/{anything:.*}", pod_metrics)
    async with ControlPlane() as plane:
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trust.load_cert_chain(plane.ca, plane.ca_key)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, address, port, ssl_context=trust).start()
        await plane.kubectl("create", "-f", "-", input=_aggregated(address, port))
        api = "v1beta1.metrics.k8s.io"
        await plane.kubectl("wait", "--for=condition=Available", f"apiservice/{api}")
        path = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods"
        answer = await plane.kubectl("get", "--raw", path)
        await runner.cleanup()
    assert json.loads(answer.stdout)["kind"] == "PodMetricsList"
    assert users_seen[-1] == "admin"


async def test_two_control_planes_run_side_by_side_and_leave_nothing_running() -> None:
    async with ControlPlane() as one, ControlPlane() as other:
        assert one.url != other.url
        assert one.folder != other.folder
        await one.kubectl("create", "namespace", "only-here")
        assert (await other.kubectl("get", "ns", "only-here", check=False)).returncode != 0
        folders = [one.folder, other.folder]
        pids = [plane.pid(name) for plane in (one, other) for name in (ETCD, APISERVER, MANAGER)]
    assert all(pid is not None and not _runs(pid) for pid in pids)
    assert not any(folder.exists() for folder in folders)


async def test_a_killed_api_server_comes_back_with_its_data_on_the_same_port() -> None:
    async with ControlPlane() as plane:
        await plane.kubectl("create", "namespace", "kept")
        await plane.compact()
        plane.kill(APISERVER)
        assert plane.pid(APISERVER) is None
        await plane.start(APISERVER)
        assert (await plane.kubectl("get", "ns", "kept")).returncode == 0


async def test_a_component_that_dies_says_why_with_the_end_of_its_log() -> None:
    with pytest.raises(ProcessDiedError, match=r"(?s)kube-apiserver ended.*no-such-flag"):
        async with ControlPlane(apiserver_flags=["--no-such-flag=1"]):
            pass


async def test_a_killed_session_takes_its_servers_with_it(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from controller.local.controlplane import ControlPlane\n"
        "async def main():\n"
        "    async with ControlPlane() as plane:\n"
        "        names = ('etcd', 'kube-apiserver', 'kube-controller-manager')\n"
        "        print(*[plane.pid(name) for name in names], flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert child.stdout is not None
    pids = [int(word) for word in (await child.stdout.readline()).split()]
    assert len(pids) == 3
    child.kill()
    await child.wait()
    await asyncio.to_thread(_wait_until_gone, pids, 5.0)
    assert not any(map(_runs, pids))


def _aggregated(address: str, port: int) -> str:
    """A Service at this address, and metrics.k8s.io behind it."""
    meta = {"name": "metrics", "namespace": "kube-system"}
    service = {"clusterIP": address, "ports": [{"port": port}]}
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta | {"labels": {"kubernetes.io/service-name": "metrics"}},
        "addressType": "IPv4",
        "ports": [{"port": port}],
        "endpoints": [{"addresses": ["10.64.1.1"]}],  # there must be one; the Service's is used
    }
    api = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": meta | {"port": port},
    }
    items = [
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service},
        endpoints,
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": api,
        },
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})


def _runs(pid: int) -> bool:
    """Whether the process is there and is no zombie that someone else has yet to collect."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _wait_until_gone(pids: list[int], within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while any(map(_runs, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
