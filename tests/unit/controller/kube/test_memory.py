"""The cluster in memory: what only it has, such as its journal, its views and its admission."""

from __future__ import annotations

import dataclasses

import pytest

from controller.api.names import OPERATOR_ACCOUNT
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, ROLLOUTS
from controller.kube.memory import MemoryCluster
from controller.kube.memory_admission import AdmissionRequest, Denied
from controller.kube.port import Conflict, Forbidden, Invalid, Malformed
from controller.local import shop_objects
from tests.unit.controller.kube.memory import empty, put

pytestmark = pytest.mark.looptime


async def test_the_journal_says_who_wrote_what_and_whether_it_changed_anything(
    cluster: MemoryCluster,
) -> None:
    await put(cluster, "a", k="1")
    await put(cluster, "a", k="1")
    await cluster.as_user("alice").patch_merge(CONFIG_MAPS, "shop", "a", {"data": {"k": "2"}})
    await cluster.get(CONFIG_MAPS, "shop", "a")
    lines = [(one.user, one.verb, str(one.key), one.changed) for one in cluster.journal]
    assert lines == [
        (OPERATOR_ACCOUNT, "apply", "shop/a", True),
        (OPERATOR_ACCOUNT, "apply", "shop/a", False),
        ("alice", "patch", "shop/a", True),
    ]


async def test_views_share_everything_but_the_user(cluster: MemoryCluster) -> None:
    alice = cluster.as_user("alice")
    await put(cluster, "a")
    assert (await alice.get(CONFIG_MAPS, "shop", "a")).name == "a"
    assert alice.journal is cluster.journal
    assert (alice.user, cluster.user) == ("alice", OPERATOR_ACCOUNT)
    assert {manager.name for manager in cluster.managers(CONFIG_MAPS, "shop", "a")} == {"blastdoor"}


async def test_a_body_that_was_handed_out_is_nobodys_to_change(cluster: MemoryCluster) -> None:
    await put(cluster, "a", k="1")
    cluster.body(CONFIG_MAPS, "shop", "a")["data"]["k"] = "changed"
    assert (await cluster.get(CONFIG_MAPS, "shop", "a")).data == {"k": "1"}


async def test_generated_names_differ_and_a_repeated_run_gives_the_same() -> None:
    async def run() -> list[str]:
        cluster = empty()
        body = {"metadata": {"generateName": "x-"}}
        return [(await cluster.create(CONFIG_MAPS, "shop", body)).name for _ in range(50)]

    first = await run()
    assert len(set(first)) == 50
    assert first == await run()


async def test_replace_is_what_a_user_may_do(cluster: MemoryCluster) -> None:
    made = await put(cluster, "a", k="1", old="1")
    body = {"metadata": {"resourceVersion": made.metadata.resource_version}, "data": {"k": "2"}}
    replaced = await cluster.as_user("alice").replace(CONFIG_MAPS, "shop", "a", body)
    assert replaced.data == {"k": "2"}
    with pytest.raises(Conflict):
        await cluster.as_user("alice").replace(CONFIG_MAPS, "shop", "a", body)


async def test_an_object_that_our_struct_refuses_is_malformed_and_hides_no_other(
    cluster: MemoryCluster,
) -> None:
    user = cluster.as_user("alice")
    good = {"workload": {"name": "web"}, "traffic": {"service": "web"}}
    await user.create(ROLLOUTS, "shop", {"metadata": {"name": "good"}, "spec": good})
    with pytest.raises(Invalid, match="steps"):
        await user.create(
            ROLLOUTS, "shop", {"metadata": {"name": "bad"}, "spec": {**good, "steps": "all"}}
        )
    page = await cluster.list_page(ROLLOUTS)
    assert [isinstance(item, Malformed) for item in page.items] == [True, False]
    assert page.items[0].metadata.name == "bad"


async def test_admission_changes_and_refuses_with_the_words_of_a_server(
    cluster: MemoryCluster,
) -> None:
    def stamp(request: AdmissionRequest) -> AdmissionRequest:
        assert request.object is not None
        body = {**request.object, "data": {"by": request.user}}
        return dataclasses.replace(request, object=body)

    def refuse(request: AdmissionRequest) -> AdmissionRequest | Denied:
        assert request.object is not None
        return Denied("never", "Invalid") if request.key.name == "b" else request

    cluster.admission[:] = [stamp, refuse]
    assert (await cluster.as_user("alice").apply(CONFIG_MAPS, "shop", "a", {})).data == {
        "by": "alice"
    }
    with pytest.raises(Invalid, match='configmaps "b" is invalid: never'):
        await put(cluster, "b")
    assert (await cluster.list_page(CONFIG_MAPS)).items[1:] == ()


async def test_admission_sees_deletions_and_may_forbid_them(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    cluster.admission.append(
        lambda request: Denied("kept") if request.operation == "DELETE" else request
    )
    with pytest.raises(Forbidden, match="kept"):
        await cluster.delete(CONFIG_MAPS, "shop", "a")
    cluster.admission.clear()
    await cluster.delete(CONFIG_MAPS, "shop", "a")


async def test_a_deleted_namespace_takes_all_kinds_along(cluster: MemoryCluster) -> None:
    await put(cluster, "a")
    await cluster.create(DEPLOYMENTS, "shop", shop_objects.deployment(shop_objects.template("v1")))
    await cluster.delete(NAMESPACES, "", "shop")
    assert not (await cluster.list_page(CONFIG_MAPS)).items
    assert not (await cluster.list_page(NAMESPACES)).items
    assert not (await cluster.list_page(DEPLOYMENTS)).items
