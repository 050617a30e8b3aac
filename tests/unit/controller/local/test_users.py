"""The cast: what the API server and a client are told about each."""

import base64
import csv
import json

from controller.local.users import USERS, kubeconfig, signing_key, token_file


def test_a_line_of_the_token_file_holds_token_name_and_groups() -> None:
    rows = list(csv.reader(token_file({"operator": "t1", "alice": "t2"}).splitlines()))
    assert rows[0] == [
        "t1",
        "system:serviceaccount:blastdoor-system:blastdoor",
        "uid-operator",
        "system:serviceaccounts,system:serviceaccounts:blastdoor-system,system:authenticated",
    ]
    assert rows[1] == ["t2", "alice", "uid-alice", ""]


def test_nobody_but_admin_is_a_master() -> None:
    masters = [short for short, user in USERS.items() if "system:masters" in user.groups]
    assert masters == ["admin"]


def test_a_kubeconfig_trusts_the_certificate_it_was_given() -> None:
    config = json.loads(kubeconfig("https://127.0.0.1:1", "PEM", "bob", "secret"))
    cluster = config["clusters"][0]["cluster"]
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"PEM"
    assert config["users"] == [{"name": "bob", "user": {"token": "secret"}}]


def test_a_signing_key_is_der_whose_lengths_add_up() -> None:
    body = signing_key(1).splitlines()[1]
    der = base64.b64decode(body)
    assert der[0] == 0x30
    assert der[1] == len(der) - 2
    assert der[7:39] == (1).to_bytes(32, "big")
