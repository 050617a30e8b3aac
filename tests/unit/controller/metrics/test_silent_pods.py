"""A pod that is silent again and again is asked only now and then, until it answers."""

from controller.metrics.silent_pods import FORGOTTEN_S, SELDOM_S, SilentPods


def test_a_pod_is_asked_seldom_after_three_silences_in_a_row() -> None:
    pods = SilentPods()
    for moment_s in (1.0, 2.0):
        pods.was_silent("a", moment_s)
        assert pods.knows("a")
        assert pods.rest_s("a", moment_s) == 0.0
    pods.was_silent("a", 3.0)
    assert pods.rest_s("a", 4.0) == SELDOM_S - 1.0
    assert pods.rest_s("a", 3.0 + SELDOM_S) == 0.0
    assert pods.rest_s("b", 4.0) == 0.0


def test_an_answer_ends_its_silence() -> None:
    pods = SilentPods()
    for moment_s in (1.0, 2.0, 3.0):
        pods.was_silent("a", moment_s)
    pods.answered("a")
    assert not pods.knows("a")
    assert pods.rest_s("a", 3.0) == 0.0
    pods.was_silent("a", 4.0)
    assert pods.rest_s("a", 4.0) == 0.0


def test_pods_that_are_gone_are_forgotten() -> None:
    pods = SilentPods()
    pods.was_silent("a", 0.0)
    pods.was_silent("b", FORGOTTEN_S + 1.0)
    assert not pods.knows("a")
    assert pods.knows("b")
