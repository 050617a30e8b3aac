"""The grammar of the command line: every command, its options and its help. Pure.

Called by `main` and by `reference`, which writes the page of the documentation from it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from controller.cli import act
from controller.cli.exits import MEANING

DESCRIPTION: Final = (
    "Releases of Kubernetes workloads that go up by evidence, or go back by themselves."
)
_MODULES: Final = (
    "get",
    "status",
    "explain",
    "history",
    "lint",
    "plan",
    "simulate",
    "backtest",
    "demo",
    "run",
    "uninstall",
)
"""Commands with a module of their own name here; one that is not installed is not offered."""
_AFTER: Final = "history"
"""The five commands of `act` stand after this one."""


@dataclass(frozen=True)
class Command:
    """One command: its name, what it is for, its options and what it does."""

    name: str
    help: str
    examples: tuple[str, ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def commands() -> Iterator[Command]:
    """Every command that this installation has, in the order of the help."""
    for name in _MODULES:
        path = f"{__package__}.{name}"
        if importlib.util.find_spec(path) is None:
            continue
        module = importlib.import_module(path)
        examples = tuple(getattr(module, "EXAMPLES", ()))
        yield Command(name, module.HELP, examples, module.add_arguments, module.run)
        if name == _AFTER:
            yield from _acts()


def _acts() -> Iterator[Command]:
    for name, (_, what, why) in act.ACTS.items():
        example = f"blastdoor {name} checkout -n shop --reason '{why}'"
        yield Command(name, what, (example,), act.add_arguments, act.run)


def build(prog: str = "blastdoor") -> argparse.ArgumentParser:
    """The whole parser."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=DESCRIPTION,
        epilog=exit_codes(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and end")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for command in commands():
        one = subparsers.add_parser(
            command.name,
            help=command.help,
            description=_sentence(command.help),
            epilog=_examples(command),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(one)
        one.set_defaults(act=command.run)
    version = subparsers.add_parser("version", help="print the version")
    version.set_defaults(act=None, version=True)
    return parser


def exit_codes() -> str:
    """The table of exit codes, as the help shows it."""
    lines = [f"  {code.value:<4} {meaning}" for code, meaning in MEANING.items()]
    return "exit codes:\n" + "\n".join(lines)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _examples(command: Command) -> str:
    lines = [f"  {example}" for example in command.examples]
    return "examples:\n" + "\n".join(lines) if lines else ""
