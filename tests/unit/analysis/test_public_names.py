import subprocess
import sys

import analysis


def test_every_public_name_is_there_and_says_what_it_is() -> None:
    assert sorted(analysis.__all__) == analysis.__all__
    for name in analysis.__all__:
        assert getattr(analysis, name).__doc__, name


def test_the_import_brings_no_scipy_and_nothing_of_the_outside() -> None:
    code = (
        "import sys, analysis;"
        "bad = [m for m in sys.modules if m.split('.')[0] in"
        " {'scipy', 'kubernetes', 'aiohttp', 'controller', 'structlog', 'msgspec'}];"
        "sys.exit(' '.join(bad) or 0)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
