"""What an author says is copied; what he does not say is empty, and an unknown origin unknown."""

from __future__ import annotations

import pytest

from controller.api.k8s import Deployment
from controller.workloads.docs import TEXT_LIMIT, Docs, read
from tests.unit.controller.workloads.objects import deployment, template
from tests.unit.controller.workloads.objects import read as decoded


@pytest.mark.parametrize(
    ("label", "origin"),
    [("autonomous", "autonomous"), ("human", "human"), ("Human", "unknown"), ("", "unknown")],
)
def test_only_a_known_origin_is_one(label: str, origin: str) -> None:
    document = deployment(template(**{"blastdoor.dev/ai-origin": label}))
    assert read(decoded(document, Deployment)).origin == origin


def test_a_silent_author_leaves_all_texts_empty() -> None:
    assert read(decoded(deployment(), Deployment)) == Docs()


def test_texts_come_from_the_deployments_annotations_and_are_cut() -> None:
    document = deployment()
    document["metadata"]["annotations"] = {
        "blastdoor.dev/what": " new prices ",
        "blastdoor.dev/why": "x" * 1_000_000,
    }
    docs = read(decoded(document, Deployment))
    assert docs.what == "new prices"
    assert len(docs.why) == TEXT_LIMIT
