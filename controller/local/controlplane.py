"""A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager.

    async with ControlPlane() as plane:
        await plane.kubectl("create", "namespace", "shop")
        config = plane.kubeconfig("operator")

It is the reference for every contract and end-to-end test, and the cluster of
`blastdoor demo --cluster real`. There is no kubelet: pods are run by the node agent beside it. Each
one has its own ports and its own temporary folder, so several run side by side. It needs the
programs of `make testbed` and builds nothing itself.
"""

import asyncio
import secrets
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from controller.local import components, toolchain, users
from controller.local.kubectl import Ran, run_kubectl
from controller.local.process import LOOPBACK, Process, answers_ok, free_ports, on_free_ports

READY_WITHIN_S = 60.0


class ControlPlane:
    """etcd, API server and controllers; an async context manager."""

    def __init__(self, apiserver_flags: Sequence[str] = (), manager_flags: Sequence[str] = ()):
        self._apiserver_flags = tuple(apiserver_flags)
        self._manager_flags = tuple(manager_flags)
        self._tokens = {short: secrets.token_hex(16) for short in users.USERS}
        self._processes: dict[str, Process] = {}
        self._home: tempfile.TemporaryDirectory[str] | None = None
        self.kubectl_path = Path()
        self.url = ""
        self.etcd_url = ""

    async def __aenter__(self) -> Self:
        self.kubectl_path = await asyncio.to_thread(toolchain.require, "kubectl")
        await on_free_ports(self._start_or_leave_nothing)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def _start_or_leave_nothing(self) -> None:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise

    async def _start(self) -> None:
        self._home = tempfile.TemporaryDirectory(
            prefix="blastdoor-control-plane-", ignore_cleanup_errors=True
        )
        ports = components.Ports(*free_ports(4))
        self.url = f"https://{LOOPBACK}:{ports.apiserver}"
        self.etcd_url = f"http://{LOOPBACK}:{ports.etcd}"
        self._write_secrets()
        self._processes = await asyncio.to_thread(
            components.processes, self.folder, ports, self._apiserver_flags, self._manager_flags
        )
        await self.start(components.ETCD)
        await self.start(components.APISERVER)
        self._write_kubeconfigs()
        await self.start(components.MANAGER)

    def _write_secrets(self) -> None:
        key = users.signing_key(secrets.randbelow(1 << 255) + 1)
        for name, text in (("tokens.csv", users.token_file(self._tokens)), ("sa.key", key)):
            file = self.folder / name
            file.write_text(text)
            file.chmod(0o600)

    def _write_kubeconfigs(self) -> None:
        for short, token in self._tokens.items():
            text = users.kubeconfig(self.url, self.ca.read_text(), short, token)
            file = self.folder / f"{short}.kubeconfig"
            file.write_text(text)
            file.chmod(0o600)

    # -- who and where -------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """The temporary folder of this control plane, gone when it stops."""
        if self._home is None:
            raise RuntimeError("the control plane is not running")
        return Path(self._home.name)

    @property
    def ca(self) -> Path:
        """The certificate chain of the API server, its authority included (PEM)."""
        return components.certificate(self.folder)

    @property
    def ca_key(self) -> Path:
        """The private key of that certificate: with it a local server can speak for 127.0.0.1."""
        return components.certificate(self.folder).with_suffix(".key")

    def token(self, user: str = "admin") -> str:
        """The bearer token of a user of `users.USERS`."""
        return self._tokens[user]

    def kubeconfig(self, user: str = "admin") -> Path:
        """The kubeconfig file of a user of `users.USERS`."""
        return self.folder / f"{user}.kubeconfig"

    def log(self, component: str) -> Path:
        """The log file of `etcd`, `kube-apiserver` or `kube-controller-manager`."""
        return self._processes[component].log

    def pid(self, component: str) -> int | None:
        """The process id of a component; None while it is down."""
        return self._processes[component].pid

    # -- kubectl -------------------------------------------------------------------------------

    async def kubectl(
        self,
        *arguments: str,
        user: str = "admin",
        input: str | None = None,  # noqa: A002  as subprocess names it
        check: bool = True,
        timeout_s: float = 60.0,
    ) -> Ran:
        """Runs the testbed's own kubectl as a user; raises `KubectlError` unless `check` is off."""
        return await run_kubectl(
            self.kubectl_path,
            self.kubeconfig(user),
            self.folder / "kubectl-cache",
            arguments,
            given=input,
            check=check,
            timeout_s=timeout_s,
        )

    async def install_manifests(self, folder: Path | None) -> None:
        """Applies the Gateway API's standard CRDs, then a kustomization; waits for the kinds."""
        crds = await asyncio.to_thread(toolchain.require_gateway_api)
        await self.kubectl("apply", "--server-side", "-f", str(crds))
        if folder is not None:
            await self.kubectl("apply", "--server-side", "-k", str(folder))
        await self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")

    # -- faults --------------------------------------------------------------------------------

    async def start(self, component: str) -> None:
        """Starts a component and waits until it is ready; also after `kill`, on the same port."""
        process = self._processes[component]
        process.start()
        await process.until_ready(lambda: self._answers(component), READY_WITHIN_S)

    def kill(self, component: str) -> None:
        """Ends a component as a crash would; `start` brings it back."""
        self._processes[component].kill()

    async def compact(self) -> None:
        """Compacts etcd at its current revision, so that older resource versions are gone."""
        async with aiohttp.ClientSession(self.etcd_url, raise_for_status=True) as session:
            key = {"key": "Lw=="}  # "/"
            async with session.post("/v3/kv/range", json=key) as response:
                revision = (await response.json())["header"]["revision"]
            body = {"revision": revision, "physical": True}
            async with session.post("/v3/kv/compaction", json=body):
                pass

    async def _answers(self, component: str) -> bool:
        """Whether the component's own health address says 200."""
        address = components.health(self._processes[component])
        headers = {"Authorization": f"Bearer {self.token()}"}
        trust = ssl.create_default_context()
        # Its certificate is made at its start; here only whether it answers is asked.
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return await answers_ok(address, tls=trust, headers=headers)

    async def _stop(self) -> None:
        """In the order that lets each end at once: whoever needs another goes first."""
        last_started_first = list(reversed(self._processes.values()))
        try:
            for process in last_started_first:
                await process.stop()
        finally:
            for process in last_started_first:
                process.kill()
        if self._home is not None:
            await asyncio.to_thread(self._home.cleanup)
            self._home = None
