"""`blastdoor plan`: how long a release takes and what it can cost, before it begins. No cluster."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from controller.cli.exits import CommandError, Exit

if TYPE_CHECKING:
    from analysis.costs import Detection, Exclusion
    from analysis.ladder import PlannedStep

HELP: Final = "seconds and orders that a release costs, by rate and ladder, before it begins"
EXAMPLES: Final = (
    "blastdoor plan --rate 50",
    "blastdoor plan --rate 2 --steps 1,5,25 --margins 30,20,5 --budget 50",
    "blastdoor plan --rate 50 --harm 100,20,3 -o json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Rates are per second of both arms, steps and margins percent."""
    parser.add_argument("--rate", type=float, required=True, help="orders per second, both arms")
    parser.add_argument("--steps", help="canary weights in percent; default: what the budget fits")
    parser.add_argument("--margins", help="loss in percent that each step must exclude")
    parser.add_argument("--budget", type=float, default=100.0, help="orders at risk (default 100)")
    parser.add_argument("--bake", type=float, default=300.0, help="least seconds of a step")
    parser.add_argument("--tolerated", type=float, default=1.0, help="loss in percent that is none")
    parser.add_argument("--harm", default="99,50,20,10,5,3", help="losses in percent to price")
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="form of the answer"
    )


def run(options: argparse.Namespace) -> int:
    """Print the plan; the answer is no if a step is over the budget."""
    from analysis.costs import detection_costs, exclusion_costs
    from analysis.ladder import fitting_ladder, planned, usual_margin
    from analysis.plan import planning_sentence

    _check(options)
    edge = 1.0 - options.tolerated / 100.0
    losses = _percents(options.harm, "--harm")
    try:
        if options.steps:
            shares = _percents(options.steps, "--steps")
        else:
            shares = fitting_ladder(options.rate, options.budget)
        if options.margins:
            margins = _percents(options.margins, "--margins")
        else:
            margins = tuple(usual_margin(share) for share in shares)
        made = _Plan(
            planned(
                shares, margins, options.rate, budget=options.budget, bake_s=options.bake, edge=edge
            ),
            detection_costs(losses, shares, options.rate, edge=edge),
            exclusion_costs(tuple(dict.fromkeys(margins)), shares, options.rate),
            planning_sentence(shares[0], options.rate),
        )
    except ValueError as error:
        raise CommandError(str(error), Exit.USAGE) from error
    print(_json(made) if options.output == "json" else _text(made, options))
    return Exit.OK if all(step.within_budget for step in made.steps) else Exit.NO


def _check(options: argparse.Namespace) -> None:
    """What argparse takes for a number and no plan can use."""
    for name, least, most in (
        ("rate", 0.0, math.inf),
        ("budget", 0.0, math.inf),
        ("bake", -1e-9, math.inf),
        ("tolerated", -1e-9, 100.0),
    ):
        value = getattr(options, name)
        if not least < value < most:
            bound = "finite" if math.isinf(most) else f"below {most:g}"
            allowed = "> 0" if least == 0.0 else ">= 0"
            raise CommandError(
                f"--{name} must be {allowed} and {bound}; came {value:g}", Exit.USAGE
            )


class _Plan(NamedTuple):
    """All that is told of a release before it begins."""

    steps: tuple[PlannedStep, ...]
    found: tuple[Detection, ...]
    excluded: tuple[Exclusion, ...]
    told: str


def _json(plan: _Plan) -> str:
    """Seconds that never end are null: JSON has no infinity."""
    return json.dumps(
        {
            "sentence": plan.told,
            "steps": [_finite(asdict(step)) for step in plan.steps],
            "detection": [_finite(asdict(one)) for one in plan.found],
            "exclusion": [_finite(asdict(one)) for one in plan.excluded],
        },
        indent=1,
    )


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in row.items()
    }


def _text(plan: _Plan, options: argparse.Namespace) -> str:
    from analysis.costs import detection_table, exclusion_table
    from analysis.ladder import described

    return "\n\n".join(
        (
            described(plan.steps, options.rate),
            f"Time to find a loss beyond the tolerated {options.tolerated:g}%, and orders lost "
            f"until traffic is away:\n{detection_table(plan.found)}",
            "Time to exclude a loss, and canary orders for it:\n" + exclusion_table(plan.excluded),
            plan.told,
        )
    )


def _percents(text: str, option: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) / 100.0 for part in text.split(","))
    except ValueError as error:
        raise CommandError(
            f"{option} must be numbers with commas between, as 1,5,25; came {text}", Exit.USAGE
        ) from error
