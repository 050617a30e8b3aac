"""What a write changes and what it must not: versions, generations, subresources, patches."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from controller.api.k8s import Deployment
from controller.api.resources import CONFIG_MAPS, DEPLOYMENTS, REPLICASETS, SERVICES
from controller.kube.port import AlreadyExists, Conflict, Invalid, NotFound
from tests.contract.deployments import NAME, Shop, manifest, template
from tests.contract.worlds import World, eventually

PAUSED = {"paused": True}
"""Nothing is rolled, so the controller writes seldom: the tests are about the server."""


@pytest.fixture
async def still(world: World) -> World:
    """A paused Deployment without replicas, which its controller has already looked at."""
    body = manifest("web:1", 0, **PAUSED)
    await world.alice.create(DEPLOYMENTS, world.namespace, body)
    await eventually(Shop(world).observed)
    return world


async def merge(world: World, body: dict[str, Any], subresource: str = "") -> Deployment:
    return await world.alice.patch_merge(
        DEPLOYMENTS, world.namespace, NAME, body, subresource=subresource
    )


async def current(world: World) -> Deployment:
    return await world.alice.get(DEPLOYMENTS, world.namespace, NAME)


async def test_a_write_that_changes_nothing_makes_no_version(still: World) -> None:
    before = await current(still)
    after = await merge(still, {"spec": {"paused": True, "template": template("web:1")}})
    assert after.metadata.resource_version == before.metadata.resource_version


async def test_a_spec_change_is_a_generation_and_a_label_is_none(still: World) -> None:
    before = await current(still)
    labelled = await merge(still, {"metadata": {"labels": {"x": "y"}}})
    assert labelled.metadata.generation == before.metadata.generation
    assert labelled.metadata.resource_version != before.metadata.resource_version
    longer = await merge(still, {"spec": {"minReadySeconds": 1}})
    assert longer.metadata.generation == before.metadata.generation + 1


async def test_a_main_write_leaves_the_status_and_a_status_write_the_spec(still: World) -> None:
    counts = {"replicas": 7, "updatedReplicas": 7}
    main = await merge(still, {"status": counts, "spec": {"minReadySeconds": 2}})
    assert main.status.replicas == 0
    assert main.spec.min_ready_seconds == 2
    body = {"status": {"unavailableReplicas": 3}, "spec": {"minReadySeconds": 5}}
    status = await still.admin.patch_merge(
        DEPLOYMENTS, still.namespace, NAME, body, subresource="status"
    )
    assert status.status.unavailable_replicas == 3
    assert status.spec.min_ready_seconds == 2
    assert status.metadata.generation == main.metadata.generation


async def test_a_stale_version_in_a_merge_patch_is_a_conflict(still: World) -> None:
    before = await current(still)
    stale = before.metadata.resource_version
    await merge(still, {"metadata": {"resourceVersion": stale, "labels": {"x": "1"}}})
    with pytest.raises(Conflict):
        await merge(still, {"metadata": {"resourceVersion": stale, "labels": {"x": "2"}}})


async def test_another_uid_in_a_patch_is_invalid(still: World) -> None:
    other = "00000000-0000-0000-0000-000000000000"
    with pytest.raises(Invalid, match="immutable"):
        await merge(still, {"metadata": {"uid": other, "labels": {"x": "1"}}})


async def test_scale_writes_replicas_alone_and_answers_with_a_scale(still: World) -> None:
    body = {"spec": {"replicas": 3, "paused": False}}
    scale = await merge(still, body, "scale")
    assert scale.spec.replicas == 3
    assert scale.metadata.labels == {}
    after = await current(still)
    assert (after.spec.replicas, after.spec.paused) == (3, True)


async def test_a_subresource_that_is_not_there_is_not_found(still: World) -> None:
    await still.alice.create(CONFIG_MAPS, still.namespace, {"metadata": {"name": "c"}})
    with pytest.raises(NotFound):
        await still.admin.patch_merge(
            CONFIG_MAPS, still.namespace, "c", {"status": {}}, subresource="status"
        )


async def test_json_patch_is_all_or_nothing(still: World) -> None:
    operations = [
        {"op": "add", "path": "/metadata/labels/x", "value": "1"},
        {"op": "test", "path": "/spec/paused", "value": False},
    ]
    with pytest.raises(Invalid):
        await still.alice.patch_json(DEPLOYMENTS, still.namespace, NAME, operations)
    assert "x" not in (await current(still)).metadata.labels


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/metadata/labels/none"},
        {"op": "replace", "path": "/spec/template/spec/containers/7", "value": {}},
        {"op": "replace", "path": "/metadata/none/x", "value": 1},
        {"op": "add", "path": "/metadata/none/x", "value": 1},
        {"op": "test", "path": "/spec/replicas", "value": "0"},
        {"op": "test", "path": "/metadata/labels/none", "value": "x"},
    ],
    ids=lambda operation: f"{operation['op']}{operation['path'].replace('/', '-')}",
)
async def test_json_patch_that_does_not_fit_is_invalid(
    still: World, operation: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        await still.alice.patch_json(DEPLOYMENTS, still.namespace, NAME, [operation])


async def test_replacing_an_absent_member_adds_it(still: World) -> None:
    operations = [{"op": "replace", "path": "/metadata/labels/x", "value": "1"}]
    patched = await still.alice.patch_json(DEPLOYMENTS, still.namespace, NAME, operations)
    assert patched.metadata.labels["x"] == "1"


async def test_a_test_for_null_passes_where_nothing_is(still: World) -> None:
    operations = [
        {"op": "test", "path": "/metadata/labels/none", "value": None},
        {"op": "add", "path": "/metadata/labels/example.com~1x", "value": "1"},
    ]
    patched = await still.alice.patch_json(DEPLOYMENTS, still.namespace, NAME, operations)
    assert patched.metadata.labels["example.com/x"] == "1"


async def test_a_dry_run_shows_and_keeps_nothing(still: World) -> None:
    before = await current(still)
    operations = [{"op": "replace", "path": "/spec/replicas", "value": 9}]
    shown = await still.alice.patch_json(
        DEPLOYMENTS, still.namespace, NAME, operations, dry_run=True
    )
    assert shown.spec.replicas == 9
    assert shown.metadata.generation == before.metadata.generation + 1
    after = await current(still)
    assert after.metadata.resource_version == before.metadata.resource_version


async def test_what_a_patch_would_break_is_refused(still: World) -> None:
    with pytest.raises(Invalid, match="immutable"):
        await merge(still, {"spec": {"selector": {"matchLabels": {"app": "other"}}}})
    with pytest.raises(Invalid):
        await merge(still, {"spec": {"template": {"metadata": {"labels": {"app": "other"}}}}})
    with pytest.raises(Invalid):
        await merge(still, {"spec": {"replicas": -1}})


async def test_a_second_create_already_exists(still: World) -> None:
    with pytest.raises(AlreadyExists):
        await still.alice.create(DEPLOYMENTS, still.namespace, manifest())


async def test_absent_objects_are_not_found_by_every_verb(world: World) -> None:
    with pytest.raises(NotFound):
        await current(world)
    with pytest.raises(NotFound):
        await merge(world, {"spec": {}})
    with pytest.raises(NotFound):
        await world.alice.patch_json(DEPLOYMENTS, world.namespace, NAME, [])


FULL = {
    "metadata": {"labels": {"app": NAME}},
    "spec": {
        "initContainers": [{"name": "init", "image": "init"}],
        "containers": [
            {
                "name": "web",
                "image": "registry.example:5000/web:1",
                "ports": [{"name": "http", "containerPort": 8080}],
                "env": [
                    {"name": "EMPTY", "value": ""},
                    {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
                "readinessProbe": {"httpGet": {"port": "http"}},
                "volumeMounts": [{"name": "config", "mountPath": "/config"}],
                "resources": {"requests": {"cpu": "100m"}},
            },
            {"name": "side", "image": "side@sha256:" + "0" * 64, "args": []},
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "config"}},
            {"name": "scratch"},
            {"name": "secret", "secret": {"secretName": "s"}},
        ],
        "nodeSelector": {},
    },
}
DEFAULTED = {
    "metadata": {"labels": {"app": NAME}},
    "spec": {
        "initContainers": [
            {
                "name": "init",
                "image": "init",
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "Always",
            }
        ],
        "containers": [
            {
                "name": "web",
                "image": "registry.example:5000/web:1",
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "env": [
                    {"name": "EMPTY"},
                    {
                        "name": "POD",
                        "valueFrom": {
                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}
                        },
                    },
                ],
                "resources": {"requests": {"cpu": "100m"}},
                "volumeMounts": [{"name": "config", "mountPath": "/config"}],
                "readinessProbe": {
                    "httpGet": {"path": "/", "port": "http", "scheme": "HTTP"},
                    "timeoutSeconds": 1,
                    "periodSeconds": 10,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                },
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            },
            {
                "name": "side",
                "image": "side@sha256:" + "0" * 64,
                "resources": {},
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
                "imagePullPolicy": "IfNotPresent",
            },
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "config", "defaultMode": 420}},
            {"name": "scratch", "emptyDir": {}},
            {"name": "secret", "secret": {"secretName": "s", "defaultMode": 420}},
        ],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
    },
}


async def test_a_template_is_filled_with_the_servers_defaults(world: World) -> None:
    body = manifest("web:1", 0, template=FULL)
    made = await world.alice.create(DEPLOYMENTS, world.namespace, body)
    assert msgspec.json.decode(made.spec.template) == DEFAULTED
    assert made.spec.strategy == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }
    assert (made.spec.revision_history_limit, made.spec.progress_deadline_seconds) == (10, 600)


async def test_the_same_template_is_the_same_bytes_in_both_kinds(world: World) -> None:
    deployment = await world.alice.create(
        DEPLOYMENTS, world.namespace, manifest("web:1", 0, template=FULL, **PAUSED)
    )
    loose = {
        "metadata": {"name": "loose"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": NAME}},
            "template": msgspec.json.decode(deployment.spec.template),
        },
    }
    made = await world.alice.create(REPLICASETS, world.namespace, loose)
    assert bytes(made.spec.template) == bytes(deployment.spec.template)


async def test_a_service_has_an_address_and_filled_ports(world: World) -> None:
    body = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    made = await world.alice.create(SERVICES, world.namespace, body)
    assert made.spec.cluster_ip
    assert made.spec.type == "ClusterIP"
    assert (made.spec.ports[0].target_port, made.spec.ports[0].protocol) == (80, "TCP")
