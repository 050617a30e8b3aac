"""Where the testbed's programs are kept: one folder of the user, shared by all clones.

Called by `toolchain` and `golang`; `scripts/setup.py` keeps the pinned uv beside them.
"""

import os
from collections.abc import Mapping
from pathlib import Path


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """$XDG_CACHE_HOME/blastdoor, or ~/.cache/blastdoor."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "blastdoor"


def programs_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of the built and fetched programs, one subfolder for each version."""
    return cache_folder(environ) / "testbed"
