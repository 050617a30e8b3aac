"""`blastdoor plan`: how long a release takes and what it can cost, before it begins. No cluster."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Final

from controller.cli.exits import CommandError, Exit

HELP: Final = "seconds and orders that a release costs, by rate and ladder, before it begins"
EXAMPLES: Final = (
    "blastdoor plan --rate 50",
    "blastdoor plan --rate 2 --steps 1,5,25 --margins 30,20,5 --budget 50",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Rates are per second of both arms, steps and margins percent."""
    parser.add_argument("--rate", type=float, required=True, help="orders per second, both arms")
    parser.add_argument("--steps", help="canary weights in percent; default: what the budget fits")
    parser.add_argument("--margins", help="loss in percent that each step must exclude")
    parser.add_argument("--budget", type=float, default=100.0, help="orders at risk (default 100)")
    parser.add_argument("--bake", type=float, default=300.0, help="least seconds of a step")
    parser.add_argument("--tolerated", type=float, default=1.0, help="loss in percent that is none")
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="form of the answer"
    )


def run(options: argparse.Namespace) -> int:
    """Print the plan; the answer is no if a step is over the budget."""
    from analysis.ladder import described, fitting_ladder, planned, usual_margin
    from analysis.plan import sentence

    try:
        if options.steps:
            shares = _percents(options.steps, "--steps")
        else:
            shares = fitting_ladder(options.rate, options.budget)
        if options.margins:
            margins = _percents(options.margins, "--margins")
        else:
            margins = tuple(usual_margin(share) for share in shares)
        steps = planned(
            shares,
            margins,
            options.rate,
            budget=options.budget,
            bake_s=options.bake,
            edge=1.0 - options.tolerated / 100.0,
        )
        told = sentence(shares[0], options.rate)
    except ValueError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    if options.output == "json":
        print(json.dumps({"sentence": told, "steps": [asdict(step) for step in steps]}, indent=1))
    else:
        print(described(steps, options.rate))
        print(told)
    return Exit.OK if all(step.within_budget for step in steps) else Exit.NO


def _percents(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) / 100.0 for part in text.split(","))
    except ValueError as error:
        raise CommandError(
            f"{option} must be numbers with commas between, as 1,5,25; came {text}", Exit.USAGE
        ) from error
