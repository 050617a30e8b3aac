"""A pod on the local node, as values: image, command, probe, status."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from controller.api.k8s import Container, ContainerPort, Pod, PodSpec
from controller.local import images, pod_status
from controller.local.pod_runner import RestartWaits
from controller.local.pod_status import PodFacts
from controller.local.probes import Probe, port_of, probe_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 1, 1, 12, 1, tzinfo=UTC)
SHOP = Container(name="shop", image="blastdoor/shop:v1")
POD = Pod(spec=PodSpec(containers=(SHOP,)))
FACTS = PodFacts("10.64.0.2", "10.64.0.1", NOW)


def status(facts: PodFacts) -> Any:
    return pod_status.patch(POD, facts)["status"]


def container(facts: PodFacts) -> Any:
    return status(facts)["containerStatuses"][0]


def conditions(facts: PodFacts) -> dict[str, tuple[str, str]]:
    listed = status(facts)["conditions"]
    return {one["type"]: (one["status"], one["lastTransitionTime"]) for one in listed}


@pytest.mark.parametrize("image", ["nginx:1", "blastdoor/shop", "blastdoor/shop:", ""])
def test_an_image_that_is_not_the_shop_is_refused_by_name(image: str) -> None:
    assert repr(image) in images.problem(image)


def test_the_tag_of_a_shop_image_is_its_version() -> None:
    assert images.problem(SHOP.image) == ""
    assert images.version(SHOP.image) == "v1"


def test_without_a_command_the_image_runs_the_shop_and_arguments_follow() -> None:
    assert images.command(SHOP) == (sys.executable, "-m", "controller.local.shop")
    given = Container(command=("python", "-m", "x"), args=("--y",))
    assert images.command(given) == ("python", "-m", "x", "--y")


def probed(**probe: Any) -> Container:
    ports = (ContainerPort(name="http", container_port=8081),)
    return Container(ports=ports, readiness_probe=probe)


def test_the_probe_is_the_containers_own_at_least_each_half_second() -> None:
    get = {"path": "/healthz", "port": "http"}
    assert probe_of(probed(httpGet=get, periodSeconds=10, failureThreshold=2)) == Probe(
        "/healthz", 8081, period_s=0.5, failures_allowed=2
    )
    assert probe_of(probed(httpGet={"port": 9000})) == Probe("/", 9000)


def test_a_container_without_an_http_probe_is_not_asked() -> None:
    assert probe_of(SHOP) is None
    assert probe_of(probed(exec={"command": ["true"]})) is None


def test_the_process_listens_on_the_first_port_or_on_8080() -> None:
    assert port_of(probed()) == 8081
    assert port_of(SHOP) == 8080


def test_a_pod_whose_container_never_ran_is_pending_and_not_ready() -> None:
    waiting = replace(FACTS, state=pod_status.waiting(pod_status.NO_IMAGE, "cannot pull"))
    assert status(waiting)["phase"] == "Pending"
    assert container(waiting)["state"]["waiting"]["reason"] == "ErrImagePull"
    assert conditions(waiting)["Ready"][0] == "False"


def test_a_running_pod_has_its_address_and_becomes_ready_at_the_time_of_the_probe() -> None:
    running = replace(FACTS, state=pod_status.running(NOW), ready=True, ready_since=LATER)
    assert status(running)["phase"] == "Running"
    assert status(running)["podIPs"] == [{"ip": "10.64.0.2"}]
    assert conditions(running)["Ready"] == ("True", "2026-01-01T12:01:00Z")
    assert conditions(running)["ContainersReady"] == ("True", "2026-01-01T12:01:00Z")
    assert conditions(running)["PodScheduled"] == ("True", "2026-01-01T12:00:00Z")


def test_a_crash_loop_shows_how_the_last_run_ended() -> None:
    crashed = replace(
        FACTS,
        restarts=2,
        state=pod_status.waiting(pod_status.CRASH_LOOP, "back-off 4s"),
        last_state=pod_status.terminated(-9, NOW, LATER, "killed"),
    )
    assert status(crashed)["phase"] == "Running"
    assert container(crashed)["restartCount"] == 2
    assert container(crashed)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container(crashed)["lastState"]["terminated"]["exitCode"] == 137


def test_waits_between_restarts_double_up_to_their_cap() -> None:
    waits = RestartWaits(first_s=1.0, cap_s=8.0)
    assert [waits.wait_s(crashes) for crashes in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 8, 8]
