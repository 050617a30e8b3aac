"""`blastdoor lint`: every problem of manifests in files, with no cluster.

Types and fields by the CRDs' own schema, the rules that CEL cannot say, the queries as the metric
plug-ins see them, and what is between the Rollouts and templates of the same files. Objects of
other kinds are passed over.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from controller.api.change import Change
from controller.api.conform import nonconformities, refusal
from controller.api.crd_tables import KINDS
from controller.api.meta import Object
from controller.api.names import API_VERSION, GROUP
from controller.api.problems import Problem, in_order
from controller.api.rollout import Rollout
from controller.api.signoff import Signoff
from controller.api.template import AnalysisTemplate
from controller.api.validation import (
    check_change,
    check_rollout,
    check_signoff,
    check_together,
)
from controller.cli.exits import CommandError, Exit
from controller.runtime.plugins import Registry, installed

HELP: Final = "check manifests offline: all problems, with field, value and what is allowed"
EXAMPLES: Final = ("blastdoor lint -f deploy/", "kustomize build . | blastdoor lint -f -")

_TYPES: Final[dict[str, type[Object]]] = {kind.type.__name__: kind.type for kind in KINDS}
_SUFFIXES: Final = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Document:
    """One object of our group in a file, as plain data."""

    source: str
    kind: str
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """`namespace/name`; the namespace may be left to kubectl."""
        metadata = self.data.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        name = str(metadata.get("name") or "(no name)")
        return f"{metadata['namespace']}/{name}" if metadata.get("namespace") else name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        required=True,
        metavar="FILE",
        help="a file, a folder (searched through) or - for standard input; may be given again",
    )
    parser.add_argument("-o", "--output", choices=("json", "yaml"), help="another form")


def run(options: argparse.Namespace) -> int:
    documents = list(_documents(options.filename))
    found = lint(documents, installed())
    if options.output:
        print(_structured(found, options.output))
    else:
        for document, problem in found:
            print(f"{document.source}: {problem.of(document.kind, document.name)}")
        counted = f"{len(documents)} object{'' if len(documents) == 1 else 's'} of {GROUP}"
        print(f"{counted}, {len(found) or 'no'} problem{'' if len(found) == 1 else 's'}")
    return Exit.NO if found else Exit.OK


def lint(documents: Iterable[Document], plugins: Registry) -> list[tuple[Document, Problem]]:
    """Every problem of these objects, by themselves and together."""
    found: list[tuple[Document, Problem]] = []
    read: list[tuple[Document, Object]] = []
    for document in documents:
        problems, one = _parsed(document)
        if one is not None:
            read.append((document, one))
            problems = in_order((*problems, *_checked(one, plugins)))
        found += [(document, problem) for problem in problems]
    for document, one in read:
        if isinstance(one, Rollout):
            together = [(document, problem) for problem in _with_templates(one, read)]
            found += [*together, *(new for new in _judged(one, read, plugins) if new not in found)]
    return found


def _parsed(document: Document) -> tuple[tuple[Problem, ...], Object | None]:
    """Problems of the shape, and the object if it can be read despite them."""
    if document.kind not in _TYPES:
        known = ", ".join(sorted(_TYPES))
        return (Problem("kind", document.kind, f"must be one of {known}"),), None
    if document.data.get("apiVersion") != API_VERSION:
        came = str(document.data.get("apiVersion"))
        return (Problem("apiVersion", came, f"must be {API_VERSION}"),), None
    problems = nonconformities(document.kind, document.data)
    try:
        return problems, msgspec.convert(document.data, _TYPES[document.kind])
    except msgspec.ValidationError as error:
        return problems or refusal(document.kind, document.data, error), None


def _checked(one: Object, plugins: Registry) -> tuple[Problem, ...]:
    from controller.metrics.usable import problems_of  # late: it brings the statistics along

    match one:
        case Rollout():
            return check_rollout(one.spec, routers=plugins.routers.names)
        case AnalysisTemplate():
            return problems_of(one, plugins.providers)
        case Change():
            return check_change(one.spec)
        case Signoff():
            return check_signoff(one.spec)
        case _:
            return ()


def _with_templates(
    rollout: Rollout, read: Iterable[tuple[Document, Object]]
) -> tuple[Problem, ...]:
    templates = {
        one.name: one.spec
        for _, one in read
        if isinstance(one, AnalysisTemplate) and one.namespace == rollout.namespace
    }
    return check_together(rollout.spec, templates)


def _judged(
    rollout: Rollout, read: Sequence[tuple[Document, Object]], plugins: Registry
) -> Iterator[tuple[Document, Problem]]:
    """What is wrong with a template for this Rollout, as its steps and its traffic are."""
    from controller.metrics.usable import problems_for  # late, as above

    of = {
        one.name: (document, one)
        for document, one in read
        if isinstance(one, AnalysisTemplate) and one.namespace == rollout.namespace
    }
    named = [of[ref.template] for ref in rollout.spec.analysis if ref.template in of]
    for document, one in named:
        for problem in problems_for(rollout, one, plugins.providers):
            yield document, problem


def _documents(names: Iterable[str]) -> Iterator[Document]:
    for name in names:
        if name == "-":
            yield from _objects("standard input", sys.stdin.read())
            continue
        path = Path(name)
        if not path.exists():
            raise CommandError(f"{name}: no such file or folder", Exit.NOT_FOUND)
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.is_file() and (file == path or file.suffix in _SUFFIXES):
                yield from _objects(str(file), file.read_text())


def _objects(source: str, text: str) -> Iterator[Document]:
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        what = " ".join(str(error).split())
        raise CommandError(f"{source}: is not YAML: {what}", Exit.NO) from error
    for whole in documents:
        is_list = isinstance(whole, dict) and whole.get("kind") == "List"
        for one in (whole.get("items") or ()) if is_list else (whole,):
            group = str(one.get("apiVersion", "")).split("/")[0] if isinstance(one, dict) else ""
            if group == GROUP:
                # JSON keys are text: a margin's `5:` is "5", as on the way to an API server.
                data = json.loads(json.dumps(one, default=str))
                yield Document(source, str(one.get("kind")), data)


class _Loader(yaml.CSafeLoader):
    """Times stay text, as JSON has none."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def _structured(found: Iterable[tuple[Document, Problem]], form: str) -> str:
    rows = [
        {
            "source": document.source,
            "kind": document.kind,
            "name": document.name,
            "path": problem.path,
            "got": problem.got,
            "allowed": problem.allowed,
        }
        for document, problem in found
    ]
    if form == "json":
        return json.dumps(rows, indent=2, ensure_ascii=False)
    return yaml.safe_dump(rows, sort_keys=False, allow_unicode=True).rstrip()
