"""Which programs the testbed is made of: versions, stamps, where an official build is published,
how each is built from its Go module.

A table and pure functions: it starts nothing, opens no socket and touches no file. `toolchain`,
`toolbuild` and `tooldownload` read it.
"""

import re
from dataclasses import dataclass

KUBERNETES = "1.37.2"
ETCD = "3.7.3"
PROMETHEUS = "3.16.0"
GATEWAY_API = "1.6.3"  # 1.7 asks for Go 1.27, which nothing else here does

GATEWAY_API_MODULE = "sigs.k8s.io/gateway-api"


@dataclass(frozen=True)
class Tool:
    """One program: how it is named, asked for its version, fetched and built.

    `release` is the address of the official build with `{os}`, `{arch}` and `{version}`; `member`
    is the file inside the archive (empty: the address is the program itself); `checksums` is the
    file with its SHA-256, either bare or as a list of `<sum>  <file name>`.
    """

    name: str
    component: str
    version: str
    package: str
    ask_version: tuple[str, ...]
    release: str
    checksums: str
    member: str = ""
    tags: str = ""
    ldflags: str = "-s -w"

    @property
    def folder(self) -> str:
        """Folder of this version in the cache; programs of one component share it."""
        return f"{self.component}-{self.version}"


def _kubernetes(name: str, *ask_version: str) -> Tool:
    release = "https://dl.k8s.io/release/v{version}/bin/{os}/{arch}/" + name
    major, minor, _ = KUBERNETES.split(".")
    # Without the stamp the server reports v0.0.0 and clients misjudge what it can do.
    stamp = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor}
    stamps = " ".join(f"-X k8s.io/component-base/version.{k}={v}" for k, v in stamp.items())
    return Tool(
        name=name,
        component="kubernetes",
        version=KUBERNETES,
        package=f"k8s.io/kubernetes/cmd/{name}",
        ask_version=ask_version,
        release=release,
        checksums=release + ".sha256",
        ldflags=f"-s -w {stamps}",
    )


_ETCD_RELEASES = "https://github.com/etcd-io/etcd/releases/download/v{version}/"
_PROMETHEUS_RELEASES = "https://github.com/prometheus/prometheus/releases/download/v{version}/"

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            name="etcd",
            component="etcd",
            version=ETCD,
            package="go.etcd.io/etcd/server/v3",
            ask_version=("--version",),
            release=_ETCD_RELEASES + "etcd-v{version}-{os}-{arch}.tar.gz",
            checksums=_ETCD_RELEASES + "SHA256SUMS",
            member="etcd-v{version}-{os}-{arch}/etcd",
        ),
        _kubernetes("kube-apiserver", "--version"),
        _kubernetes("kube-controller-manager", "--version"),
        _kubernetes("kubectl", "version", "--client"),
        Tool(
            name="prometheus",
            component="prometheus",
            version=PROMETHEUS,
            package="github.com/prometheus/prometheus/cmd/prometheus",
            ask_version=("--version",),
            release=_PROMETHEUS_RELEASES + "prometheus-{version}.{os}-{arch}.tar.gz",
            checksums=_PROMETHEUS_RELEASES + "sha256sums.txt",
            member="prometheus-{version}.{os}-{arch}/prometheus",
            # All service discovery but the cluster's own would double the build.
            tags="netgo,remove_all_sd,enable_kubernetes_sd",
            ldflags=f"-s -w -X github.com/prometheus/common/version.Version={PROMETHEUS}",
        ),
    )
}

_VERSION = re.compile(r"\bv?(\d+\.\d+\.\d+)(?![\d.])")


def version_in(printed: str) -> str | None:
    """The first `major.minor.patch` that a program printed about itself; None if there is none."""
    found = _VERSION.search(printed)
    return found.group(1) if found else None


def same_minor(one: str, other: str) -> bool:
    """Whether two versions differ in the patch only, so that one may stand for the other."""
    return one.split(".")[:2] == other.split(".")[:2]


def checksum_for(file_name: str, sums: str) -> str | None:
    """The SHA-256 of a file in a checksum file, which is a bare sum or lines of `<sum>  <name>`."""
    for words in map(str.split, sums.splitlines()):
        if not words or not re.fullmatch(r"[0-9a-fA-F]{64}", words[0]):
            continue
        if len(words) == 1 or words[1].lstrip("*") == file_name:
            return words[0].lower()
    return None
