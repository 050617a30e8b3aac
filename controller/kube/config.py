"""Where the API server is and who we are to it: kubeconfig, exec plug-ins, in-cluster, or direct.

What is hard and boring (merging kubeconfig files, running exec plug-ins, re-reading a projected
token) is done by `kubernetes.aio.config`; this file turns its result into the few values that
`http` needs. It is the only module of the product that imports `kubernetes`, and late: that costs
a third of a second. It knows nothing of requests.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol


class ConfigError(Exception):
    """The configuration names no cluster, or no way to log in; says what was read."""


@dataclass(frozen=True)
class Connection:
    """One loaded configuration: everything that a request to the server needs."""

    url: str
    tls: ssl.SSLContext | None = None
    authorization: Callable[[], str] = field(default=lambda: "")
    """The Authorization header of the next request; in a pod it re-reads the rotated token."""
    proxy: str = ""
    server_name: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Sent with each request: whom to impersonate. A name may come several times."""


class Source(Protocol):
    """Loads a Connection; loaded again after a 401, when credentials have run out."""

    async def load(self) -> Connection:
        """The connection as configured right now. Raises ConfigError."""
        ...


@dataclass(frozen=True)
class Direct:
    """A server given by hand: an address, a certificate authority, a token."""

    url: str
    ca: str = ""
    """The authority's certificates as PEM text; empty: the system's."""
    token: str = ""

    async def load(self) -> Connection:
        """See Source."""
        bearer = f"Bearer {self.token}" if self.token else ""
        tls = _tls(ca_data=self.ca) if self.url.startswith("https") else None
        return Connection(self.url.rstrip("/"), tls, lambda: bearer)


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig file (or several, joined as KUBECONFIG does) and one of its contexts."""

    path: str = ""
    """Empty: what KUBECONFIG says, else ~/.kube/config."""
    context: str = ""
    """Empty: the current context."""

    async def load(self) -> Connection:
        """See Source."""
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException, load_kube_config
        from yaml import YAMLError

        path = self.path or os.environ.get("KUBECONFIG", "") or str(Path.home() / ".kube/config")
        found = Configuration()
        try:
            loader = await load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path,
                context=self.context or None,
                client_configuration=found,
                persist_config=False,
            )
        except (ConfigException, OSError, YAMLError, TypeError, AttributeError, KeyError) as error:
            # An empty or missing file surfaces from the loader as one of the latter three.
            raise ConfigError(f"kubeconfig {path}: {error}") from error
        _require_exec_token(loader, found, path)
        return replace(_connection(found), headers=_impersonation(loader))


@dataclass(frozen=True)
class InCluster:
    """The service account of the pod that we run in."""

    async def load(self) -> Connection:
        """See Source."""
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException, load_incluster_config

        found = Configuration()
        try:
            load_incluster_config(client_configuration=found)  # type: ignore[no-untyped-call]
        except (ConfigException, OSError) as error:
            raise ConfigError(f"service account of this pod: {error}") from error
        return _connection(found)


def source_of(kubeconfig: str = "", context: str = "") -> Source:
    """What a user means: a named file or context, else the pod's account, else KUBECONFIG."""
    inside = bool(os.environ.get("KUBERNETES_SERVICE_HOST"))
    if inside and not (kubeconfig or context or os.environ.get("KUBECONFIG")):
        return InCluster()
    return Kubeconfig(kubeconfig, context)


def _connection(found: Any) -> Connection:
    tls = None
    if found.host.startswith("https"):
        tls = _tls(
            ca_file=found.ssl_ca_cert or "",
            certificate=found.cert_file or "",
            key=found.key_file or "",
            verify=bool(found.verify_ssl),
        )
    return Connection(
        url=found.host.rstrip("/"),
        tls=tls,
        authorization=lambda: _authorization(found),
        proxy=found.proxy or "",
        server_name=found.tls_server_name or "",
    )


def _impersonation(loader: Any) -> tuple[tuple[str, str], ...]:
    """The `as` entries of the user, which the loader leaves out: we would act as someone else."""
    node = getattr(loader, "_user", None)
    user: dict[str, Any] = getattr(node, "value", None) or {}
    headers = [("Impersonate-User", user["as"])] if user.get("as") else []
    headers += [("Impersonate-Uid", user["as-uid"])] if user.get("as-uid") else []
    headers += [("Impersonate-Group", group) for group in user.get("as-groups") or ()]
    for key, values in (user.get("as-user-extra") or {}).items():
        headers += [(f"Impersonate-Extra-{key}", value) for value in values]
    return tuple(headers)


def _authorization(found: Any) -> str:
    """The header value; the hook lets an in-cluster token be read again each minute."""
    from kubernetes.aio.config import ConfigException

    if found.refresh_api_key_hook is not None:
        try:
            found.refresh_api_key_hook(found)
        except (OSError, ConfigException) as error:
            raise ConfigError(f"service account token: {error}") from error
    return str(found.api_key.get("BearerToken", "")).strip()


def _tls(
    *,
    ca_file: str = "",
    ca_data: str = "",
    certificate: str = "",
    key: str = "",
    verify: bool = True,
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file or None, cadata=ca_data or None)
    if certificate:
        context.load_cert_chain(certificate, key or None)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _require_exec_token(loader: Any, found: Any, path: str) -> None:
    """The loader only logs that an exec plug-in failed; without this all calls would be 401s."""
    user = getattr(loader, "_user", None)
    if not user or "exec" not in user:
        return
    if not found.api_key.get("BearerToken") and not found.cert_file:
        raise ConfigError(f"kubeconfig {path}: its exec plug-in gave no token and no certificate")
