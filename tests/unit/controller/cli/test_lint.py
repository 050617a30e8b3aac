"""Lint finds every problem of files with no cluster, and says where."""

import json
from pathlib import Path

import pytest

from controller.cli.main import main

ROOT = Path(__file__).parents[4]
BAD = """
apiVersion: blastdoor.dev/v1alpha1
kind: Rollout
metadata: {name: checkout, namespace: shop}
spec:
  workload: {name: checkout}
  traffic: {service: checkout, routes: [{name: shop, kind: Ingress}]}
  steps: [{weight: 10}, {weight: 5}]
  stepz: []
  analysis: [{template: shop}]
  risk: {metric: sales}
---
apiVersion: blastdoor.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: shop, namespace: shop}
spec:
  provider: {influx: {}}
  metrics:
  - {name: orders, events: a, exposures: b, margin: {5: 20%, '5.0': 10%}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: not-ours}
"""


def test_every_example_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "-f", str(ROOT / "examples")]) == 0
    assert capsys.readouterr().out == "4 objects of blastdoor.dev, no problems\n"


def test_all_problems_of_a_file_come_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    assert main(["lint", "-f", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    for line in (
        f"{file}: Rollout shop/checkout: spec.stepz: got an unknown field, did you mean steps?",
        "spec.steps[1].weight: got 5, must be over the step before (10)",
        'spec.traffic.routes[0].kind: got "Ingress", must be one of HTTPRoute',
        'spec.risk.metric: got "sales", must be one of orders',
        f"{file}: AnalysisTemplate shop/shop: spec.provider.influx: got a provider that is not"
        " installed, must be one of prometheus, scrape",
        "2 objects of blastdoor.dev, ",
    ):
        assert line in said


def test_a_keys_number_is_text_as_on_the_way_to_a_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    main(["lint", "-f", str(tmp_path), "-o", "json"])
    found = json.loads(capsys.readouterr().out)
    assert {"path": "spec.metrics[0].margin", "got": 'the key "5.0"'}.items() <= next(
        row for row in found if "key" in row["got"]
    ).items()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: blastdoor.dev/v1\nkind: Rollout\n", "apiVersion: got blastdoor.dev/v1"),
        ("apiVersion: blastdoor.dev/v1alpha1\nkind: Rolout\n", "kind: got Rolout, must be one of"),
        ("apiVersion: blastdoor.dev/v1alpha1\nkind: Rollout\n", "spec: got nothing, must be given"),
    ],
)
def test_an_object_of_our_group_that_is_none_of_our_kinds_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    assert main(["lint", "-f", str(tmp_path / "odd.yaml")]) == 1
    assert said in capsys.readouterr().out


QUERIES = """
apiVersion: blastdoor.dev/v1alpha1
kind: AnalysisTemplate
metadata: {name: shop, namespace: shop}
spec:
  provider: {prometheus: {address: "http://prometheus:9090"}}
  metrics:
  - {name: orders, events: 'orders_total{pod=~"{{arm.pods}}"}', exposures: EXPOSURES}
---
apiVersion: blastdoor.dev/v1alpha1
kind: Rollout
metadata: {name: checkout, namespace: shop}
spec:
  workload: {name: checkout}
  traffic: {service: checkout, routes: ROUTES}
  analysis: [{template: shop}]
"""


@pytest.mark.parametrize(
    ("exposures", "routes", "said"),
    [
        ("""'visits{pod="{{pod}}"}'""", "[{name: shop}]", "unknown placeholder `pod`"),
        ("visits", "[{name: shop}]", "both arms would be asked the same"),
        ("""'visits{service="{{arm.service}}"}'""", "[]", "without a route {{arm.service}} is one"),
        ("""'visits{service="{{arm.service}}"}'""", "[{name: shop}]", ""),
    ],
)
def test_a_query_that_no_release_could_use_is_said_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], exposures: str, routes: str, said: str
) -> None:
    text = QUERIES.replace("EXPOSURES", exposures).replace("ROUTES", routes)
    (tmp_path / "shop.yaml").write_text(text)
    assert main(["lint", "-f", str(tmp_path)]) == (1 if said else 0)
    out = capsys.readouterr().out
    assert ("spec.metrics[0].exposures" in out) is bool(said)
    assert said in out
    assert out.count("AnalysisTemplate shop/shop") == (1 if said else 0)


def test_a_file_that_is_not_there_has_its_own_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "-f", "/does/not/exist"]) == 3
    assert "no such file or folder" in capsys.readouterr().err


def test_text_that_is_not_yaml_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    assert main(["lint", "-f", str(tmp_path)]) == 1
    assert "is not YAML" in capsys.readouterr().err
