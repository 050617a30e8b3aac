"""The CustomResourceDefinitions in `manifests/crds/`, made from the structs.

`python -m controller.api.crd` writes them, `--check` fails when the files say something else.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import inspect as types

from controller.api import names
from controller.api.crd_tables import KINDS, Column, Kind, Overlay
from controller.api.schema import Schema, paragraph, structural

FOLDER: Final = Path("manifests/crds")
HEADER: Final = "# Generated from controller/api by `python -m controller.api.crd`; do not edit.\n"


def custom_resource_definition(kind: Kind) -> dict[str, Any]:
    """The whole CRD of one kind."""
    singular = kind.type.__name__.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{names.GROUP}",
            "labels": {"app.kubernetes.io/part-of": "blastdoor"},
        },
        "spec": {
            "group": names.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.type.__name__,
                "listKind": f"{kind.type.__name__}List",
                "plural": kind.plural,
                "singular": singular,
                "shortNames": [kind.short],
                "categories": ["blastdoor"],
            },
            "versions": [
                {
                    "name": names.VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in kind.columns],
                    "schema": {"openAPIV3Schema": object_schema(kind)},
                }
            ],
        },
    }


def object_schema(kind: Kind) -> Schema:
    """The structural schema of a whole object of this kind, with its rules and bounds."""
    whole = types.type_info(kind.type)
    assert isinstance(whole, types.StructType)
    parts = {
        field.encode_name: field.type.cls
        for field in whole.fields
        if isinstance(field.type, types.StructType)
    }
    schema: Schema = {
        "description": paragraph(kind.type.__doc__ or ""),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(parts["spec"], with_defaults=kind.spec_has_defaults),
            "status": structural(parts["status"], with_defaults=False),
        },
    }
    return overlaid(schema, kind.overlay)


def overlaid(schema: Schema, overlay: Overlay) -> Schema:
    """`schema` with the keywords of `overlay` at their paths; KeyError for a path that is not."""
    for path, keywords in overlay.items():
        _at(schema, path).update(copy.deepcopy(keywords))
    return schema


def rendered(kind: Kind) -> str:
    """The file's text."""
    body = custom_resource_definition(kind)
    return HEADER + yaml.safe_dump(body, sort_keys=False, width=100, allow_unicode=True)


def path_of(kind: Kind, root: Path) -> Path:
    """Where the CRD of `kind` lies under the project's root."""
    return root / FOLDER / f"{kind.plural}.yaml"


def stale(root: Path) -> tuple[Path, ...]:
    """The files that do not say what the structs say."""
    return tuple(
        path for kind in KINDS if (path := path_of(kind, root)) and _text(path) != rendered(kind)
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or check them; 1 when a check finds one that is stale."""
    parser = argparse.ArgumentParser(prog="python -m controller.api.crd", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    parser.add_argument("--root", type=Path, default=Path(), help="root of the project")
    options = parser.parse_args(arguments)
    behind = stale(options.root)
    for path in behind:
        if options.check:
            sys.stderr.write(f"{path} is stale; run `python -m controller.api.crd`\n")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered(next(kind for kind in KINDS if path.stem == kind.plural)))
    return 1 if options.check and behind else 0


def _column(column: Column) -> dict[str, Any]:
    shown = {
        "name": column.name,
        "type": column.type,
        "jsonPath": column.path,
        "description": column.description,
    }
    return {**shown, "priority": column.priority} if column.priority else shown


def _at(schema: Schema, path: str) -> Schema:
    for name in path.split(".") if path else ():
        schema = schema["properties"][name.removesuffix("[]")]
        if name.endswith("[]"):
            schema = schema["items"]
    return schema


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
