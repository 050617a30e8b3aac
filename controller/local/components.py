"""The three programs of a control plane: their flags, ports and health addresses.

A table in code: it starts nothing. Called by `controlplane`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.local import toolchain
from controller.local.process import LOOPBACK, Process

ETCD = "etcd"
APISERVER = "kube-apiserver"
MANAGER = "kube-controller-manager"

# A range of loopback addresses, so that a local program can serve behind a Service's address.
SERVICE_RANGE = "127.96.0.0/16"

# Without clusterrole-aggregation the roles `edit` and `admin` are empty.
CONTROLLERS = (
    "deployment",
    "replicaset",
    "statefulset",
    "daemonset",
    "job",
    "endpointslice",
    "garbage-collector",
    "namespace",
    "serviceaccount",
    "serviceaccount-token",
    "clusterrole-aggregation",
    "disruption",
    "horizontal-pod-autoscaler",
    "validatingadmissionpolicy-status",
)


@dataclass(frozen=True)
class Ports:
    """The ports of one control plane."""

    etcd: int
    etcd_peer: int
    apiserver: int
    manager: int


def certificate(folder: Path) -> Path:
    """Where the API server writes the certificate that it makes for itself."""
    return folder / "apiserver-certs" / "apiserver.crt"


def processes(
    folder: Path, ports: Ports, apiserver_flags: Sequence[str], manager_flags: Sequence[str]
) -> dict[str, Process]:
    """The three, in the order of their start; `ToolMissingError` if `make testbed` is due."""
    flags = {
        ETCD: _etcd(folder, ports),
        APISERVER: [*_apiserver(folder, ports), *apiserver_flags],
        MANAGER: [*_manager(folder, ports), *manager_flags],
    }
    return {
        name: Process(name, [toolchain.require(name), *given], folder / f"{name}.log")
        for name, given in flags.items()
    }


def health(process: Process) -> str:
    """The address that says 200 once the component works."""
    flags = dict(
        flag.removeprefix("--").split("=", 1)
        for flag in map(str, process.command)
        if flag.startswith("--") and "=" in flag
    )
    if process.name == ETCD:
        return f"{flags['listen-client-urls']}/readyz"
    path = "readyz" if process.name == APISERVER else "healthz"
    return f"https://{LOOPBACK}:{flags['secure-port']}/{path}"


def _etcd(folder: Path, ports: Ports) -> list[str]:
    client = f"http://{LOOPBACK}:{ports.etcd}"
    peer = f"http://{LOOPBACK}:{ports.etcd_peer}"
    return [
        "--name=testbed",
        f"--data-dir={folder / 'etcd'}",
        "--unsafe-no-fsync",  # the data lives as long as the session
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=testbed={peer}",
        "--log-level=warn",
    ]


def _apiserver(folder: Path, ports: Ports) -> list[str]:
    key = folder / "sa.key"
    return [
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={ports.apiserver}",
        f"--cert-dir={certificate(folder).parent}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        # Pods here mount no token, and no root CA is published for them.
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=false",
    ]


def _manager(folder: Path, ports: Ports) -> list[str]:
    return [
        f"--kubeconfig={folder / 'admin.kubeconfig'}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={ports.manager}",
        f"--cert-dir={folder / 'manager-certs'}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={folder / 'sa.key'}",
        f"--root-ca-file={certificate(folder)}",
        "--leader-elect=false",
        f"--controllers={','.join(f'{name}-controller' for name in CONTROLLERS)}",
        # The default of 20 requests a second is for a shared server.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        # Kubernetes waits 15 s between looks and minutes before it trusts a new pod's numbers.
        "--horizontal-pod-autoscaler-sync-period=2s",
        "--horizontal-pod-autoscaler-initial-readiness-delay=1s",
        "--horizontal-pod-autoscaler-cpu-initialization-period=1s",
        "--horizontal-pod-autoscaler-downscale-stabilization=10s",
    ]
