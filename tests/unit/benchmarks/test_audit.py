"""Each request of the operator is counted once, as what it was."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import audit
from controller.api import names

BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)
END = BEGIN + timedelta(seconds=300)
_ids = count()


def event(
    verb: str,
    resource: str,
    *,
    at_s: float = 1.0,
    user: str = names.OPERATOR_ACCOUNT,
    query: str = "",
    subresource: str = "",
    **more: Any,
) -> dict[str, Any]:
    """An entry of the log as kube-apiserver writes it."""
    received = (BEGIN + timedelta(seconds=at_s)).isoformat(timespec="microseconds")
    reference = {"resource": resource, "subresource": subresource}
    return {
        "auditID": f"id-{next(_ids)}",
        "stage": "ResponseComplete",
        "requestURI": f"/apis/some/{resource}{query}",
        "verb": verb,
        "user": {"username": user},
        "objectRef": {k: v for k, v in reference.items() if v},
        "requestReceivedTimestamp": received.replace("+00:00", "Z"),
    } | more


def counted(*events: dict[str, Any]) -> audit.Counts:
    return audit.count(map(json.dumps, events), BEGIN, END)


def dry_run(**more: Any) -> dict[str, Any]:
    query = "?dryRun=All&fieldManager=blastdoor"
    return event("patch", "deployments", **({"user": names.PROBE_ACCOUNT, "query": query} | more))


def test_watches_lease_probe_and_its_token_are_told_apart() -> None:
    found = counted(
        event("watch", "pods"),
        event("patch", "leases"),
        event("get", "leases"),
        dry_run(),
        event("create", "serviceaccounts", subresource="token"),
    )
    assert found == audit.Counts(watches=1, lease=2, probes=1, tokens=1)


def test_a_patch_that_runs_is_no_probe_whoever_sends_it() -> None:
    found = counted(dry_run(query=""), dry_run(user=names.OPERATOR_ACCOUNT))
    assert found.probes == 0
    assert found.other == {
        "blastdoor-probe: patch deployments": 1,
        "blastdoor: patch deployments": 1,
    }


def test_a_watch_counts_when_it_begins_and_not_again_when_it_ends() -> None:
    before, within = event("watch", "pods", at_s=-5), event("watch", "pods", at_s=5)
    ends = [one | {"stage": "ResponseStarted"} for one in (before, within)]
    assert counted(*ends, before, within) == audit.Counts(watches=1)


def test_what_came_before_or_after_the_window_does_not_count() -> None:
    assert counted(event("list", "pods", at_s=-1), event("list", "pods", at_s=300)).other == {}


def test_a_status_write_and_an_address_without_object_are_named() -> None:
    version = event("get", "", requestURI="/version?timeout=5s", objectRef={})
    found = counted(event("patch", "rollouts", subresource="status"), version)
    assert found.other == {"blastdoor: get /version": 1, "blastdoor: patch rollouts/status": 1}


def test_the_flags_name_a_policy_that_logs_both_accounts(tmp_path: Path) -> None:
    flags = dict(flag.split("=", 1) for flag in audit.flags(tmp_path))
    policy = json.loads(Path(flags["--audit-policy-file"]).read_text())
    assert policy["rules"][0]["users"] == [names.OPERATOR_ACCOUNT, names.PROBE_ACCOUNT]
    assert flags["--audit-log-path"] == str(audit.log(tmp_path))
