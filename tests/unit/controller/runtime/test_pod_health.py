"""What pods say about themselves, as the core sees it."""

from typing import Any

from controller.api.k8s import ContainerStatus, Pod, PodStatus
from controller.api.meta import ObjectMeta
from controller.runtime.pod_health import crashing, stuck


def _pod(**state: Any) -> Pod:
    status = ContainerStatus(name="shop", state=state)
    return Pod(metadata=ObjectMeta(name="p"), status=PodStatus(container_statuses=(status,)))


def test_an_image_that_cannot_be_pulled_is_told_in_the_kubelets_words() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    assert stuck([_pod(running={}), _pod(waiting=waiting)]) == (
        "ImagePullBackOff of container shop: no such image"
    )


def test_a_container_that_is_only_slow_is_not_stuck() -> None:
    assert stuck([_pod(waiting={"reason": "ContainerCreating"}), _pod()]) == ""


def test_a_crash_loop_is_told_as_one_and_not_as_stuck() -> None:
    pod = _pod(waiting={"reason": "CrashLoopBackOff", "message": "back-off 10s"})
    assert stuck([pod]) == ""
    assert "container shop" in crashing([pod])
