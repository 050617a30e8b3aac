"""What `analysis` offers: every name is there, is documented, and costs nothing until used."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import analysis

DOCUMENT = Path(__file__).parents[3] / "docs" / "statistics.md"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(analysis, name)
    assert value.__doc__, name
    assert not value.__doc__.startswith(f"{name}("), f"{name}: that is its signature, no docstring"
    assert not inspect.ismodule(value), f"{name} hides behind the module of its name"


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_name_has_its_place_in_the_documentation(name: str) -> None:
    assert re.search(rf"`{name}`", DOCUMENT.read_text()), f"{name} is not in docs/statistics.md"


@pytest.mark.parametrize("name", analysis.__all__)
def test_every_public_function_tells_the_types_of_what_it_takes(name: str) -> None:
    value = getattr(analysis, name)
    if inspect.isfunction(value):
        untyped = [
            one.name
            for one in inspect.signature(value).parameters.values()
            if one.annotation is inspect.Parameter.empty
        ]
        assert untyped == []


def test_the_names_are_in_order_and_none_is_told_twice() -> None:
    assert sorted(set(analysis.__all__)) == analysis.__all__
    assert set(analysis.__all__) <= set(dir(analysis))


def test_a_name_that_is_none_is_refused_as_any_module_would() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'p_value'"):
        _ = analysis.p_value


def test_modules_can_still_be_named_beside_the_names() -> None:
    found = run("from analysis import plan, judge, split, simulate; print(plan.__name__)")
    assert found.stdout == "analysis.plan\n", found.stderr


def test_the_import_brings_no_scipy_and_nothing_of_the_outside() -> None:
    code = (
        "import sys, analysis;"
        "bad = [m for m in sys.modules if m.split('.')[0] in"
        " {'scipy', 'kubernetes', 'aiohttp', 'controller', 'structlog', 'msgspec'}];"
        "sys.exit(' '.join(bad) or 0)"
    )
    assert run(code).returncode == 0, run(code).stderr


def test_what_a_release_needs_never_brings_scipy_stats() -> None:
    code = (
        "import sys; from analysis import *;"
        "from analysis import Margin as M, MetricSpec as S, ReleaseSpec as R, Interval as I;"
        "spec = R((S('o', 'Both', 0.9, (M(0.5),), batched=True, dispersion_before=3.0),), (0.1,));"
        "tick = ReleaseTick(I(0, 10), 0, 0.1, {'o': Counts(1, 10, 9, 90)});"
        "state = update(spec, spec.start(), tick);"
        "from_json(spec, to_json(state)); assess(spec, state, step=0, step_elapsed_s=10.0);"
        "sys.exit('scipy.stats' in sys.modules)"
    )
    found = run(code)
    assert found.returncode == 0, found.stderr
