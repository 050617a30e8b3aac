"""The CRDs in `manifests/crds/` are what the structs say, structural, and complete."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from controller.api.change import Change
from controller.api.conform import nonconformities
from controller.api.crd import custom_resource_definition, main, object_schema, stale
from controller.api.crd_tables import KINDS, Kind
from controller.api.rollout import Rollout

ROOT = Path(__file__).parents[4]
by_name = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.type.__name__)


def levels(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from levels(field, f"{path}.{name}")
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from levels(schema[name], f"{path}[]")


def test_the_files_say_what_the_structs_say() -> None:
    assert stale(ROOT) == (), "run `python -m controller.api.crd`"


def test_a_file_that_drifted_fails_the_check_and_is_written_anew(tmp_path: Path) -> None:
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0


@by_name
def test_every_level_has_a_type_or_is_free_form(kind: Kind) -> None:
    for path, schema in levels(object_schema(kind)):
        assert "type" in schema or schema.get("x-kubernetes-preserve-unknown-fields"), path
        assert not {"$ref", "anyOf", "title", "x-examples"} & set(schema), path


@by_name
def test_every_field_is_described(kind: Kind) -> None:
    for part in ("spec", "status"):
        for path, schema in levels(object_schema(kind)["properties"][part]):
            if not path.endswith("[]"):
                assert schema.get("description"), f"{kind.type.__name__} {part}{path}"


@by_name
def test_no_status_has_a_default_as_nobody_observed_it(kind: Kind) -> None:
    for path, schema in levels(object_schema(kind)["properties"]["status"]):
        assert "default" not in schema, path


def test_the_columns_of_a_rollout_answer_where_it_stands() -> None:
    crd = custom_resource_definition(KINDS[0])
    columns = crd["spec"]["versions"][0]["additionalPrinterColumns"]
    assert [c["name"].upper() for c in columns if "priority" not in c] == [
        "PHASE", "STEP", "WEIGHT", "VERDICT", "EVIDENCE", "CHANGE", "AT-RISK", "AGE",
    ]  # fmt: skip
    assert [c["name"].upper() for c in columns if "priority" in c] == ["ORIGIN", "NEXT", "MESSAGE"]


def test_the_defaults_of_the_schema_are_those_of_the_struct() -> None:
    """An object that the server has filled in decodes to the same value as one that it has not."""
    sparse = {"spec": {"workload": {"name": "a"}, "traffic": {"service": "a"}}}
    filled = copy.deepcopy(sparse)
    fill(object_schema(KINDS[0])["properties"]["spec"], filled["spec"])
    assert filled != sparse
    assert msgspec.convert(filled, Rollout) == msgspec.convert(sparse, Rollout)


def fill(schema: dict[str, Any], value: dict[str, Any]) -> None:
    """Defaulting as the API server does it."""
    for name, field in schema.get("properties", {}).items():
        if name not in value and "default" in field:
            value[name] = copy.deepcopy(field["default"])
        if isinstance(value.get(name), dict):
            fill(field, value[name])


def test_a_whole_change_that_the_operator_writes_fits_its_schema() -> None:
    spec = {"rollout": "a", "target": {"digest": "d"}, "diff": [{"path": "image"}]}
    status = {
        "phase": "Stepping",
        "evidence": "{}",
        "startedAt": "2026-01-01T0Z",
    }
    assert nonconformities("Change", {"spec": spec, "status": status}) == ()
    msgspec.convert({"spec": spec}, Change)
