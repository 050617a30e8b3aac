"""Who may speak to a testbed's API server: names, groups, tokens, kubeconfig files.

Pure text: it writes no file. Used by `controlplane`. The cast of the tests: an administrator, the
operator's two accounts, persons who may do nothing until a test gives them a role, and two bots.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass

CONTEXT = "blastdoor-testbed"
_SERVICE_ACCOUNT = "system:serviceaccount:"


@dataclass(frozen=True)
class User:
    """One identity: the user name that the API server sees, and the groups it is given."""

    name: str
    groups: tuple[str, ...] = ()


def _person(name: str) -> User:
    return User(name)


def _service_account(namespace: str, name: str) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    return User(f"{_SERVICE_ACCOUNT}{namespace}:{name}", (*groups, "system:authenticated"))


# The key is the short name that tests and the demo use.
USERS: Mapping[str, User] = {
    "admin": User("admin", ("system:masters",)),
    "operator": _service_account("blastdoor-system", "blastdoor"),
    "probe": _service_account("blastdoor-system", "blastdoor-probe"),
    "alice": _person("alice"),
    "bob": _person("bob"),
    "carol": _person("carol"),
    "dave": _person("dave"),
    "erin": _person("erin"),
    "mallory": _person("mallory"),
    "agent": _service_account("ci", "agent"),
    "gitops": _service_account("argocd", "app"),
}


def token_file(tokens: Mapping[str, str]) -> str:
    """The API server's token file: `token,user,uid,"group,group"` a line."""
    lines = []
    for short, token in tokens.items():
        user = USERS[short]
        groups = ",".join(user.groups)
        lines.append(f'{token},{user.name},uid-{short},"{groups}"')
    return "\n".join(lines) + "\n"


def kubeconfig(url: str, ca_pem: str, user: str, token: str) -> str:
    """A kubeconfig for one user (as JSON, which every YAML reader accepts)."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": CONTEXT,
                    "cluster": {
                        "server": url,
                        "certificate-authority-data": base64.b64encode(ca_pem.encode()).decode(),
                    },
                }
            ],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
            "current-context": CONTEXT,
        },
        indent=1,
    )


def signing_key(scalar: int) -> str:
    """A private key on the curve P-256 as PEM, from its secret number (RFC 5915).

    The public half is left out, which the format allows and the API server computes. So a testbed
    needs neither openssl nor a cryptography package to sign the tokens of service accounts.
    """
    version = b"\x02\x01\x01"
    private = b"\x04\x20" + scalar.to_bytes(32, "big")
    curve = b"\xa0\x0a\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    body = version + private + curve
    der = b"\x30" + bytes([len(body)]) + body
    text = base64.b64encode(der).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n"
