"""`make bench`: every benchmark one after the other, or those that are named."""

from __future__ import annotations

import subprocess
import sys

ALL = ("containment", "idle", "kills", "detection")


def main() -> int:
    """Run them as processes of their own; the worst exit code counts."""
    names = sys.argv[1:] or ALL
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.stderr.write(f"unknown: {', '.join(unknown)}; known: {', '.join(ALL)}\n")
        return 2
    worst = 0
    for name in names:
        sys.stdout.write(f"== {name}\n")
        sys.stdout.flush()
        worst = max(worst, subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]))
    return worst


if __name__ == "__main__":
    sys.exit(main())
