"""`blastdoor` and `kubectl blastdoor`: one entry point, one exit code, one line for an error."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from pathlib import Path

from controller.cli.exits import CommandError, Exit
from controller.cli.parser import build


def main(arguments: list[str] | None = None) -> int:
    """Parse, do, and say in one line what went wrong; the process's exit code."""
    parser = build(_program())
    options = parser.parse_args(sys.argv[1:] if arguments is None else arguments)
    if options.version:
        print(f"blastdoor {version('blastdoor')}")
        return Exit.OK
    if options.command is None:
        parser.print_help()
        return Exit.USAGE
    try:
        code = int(options.act(options))
        sys.stdout.flush()
    except CommandError as error:
        print(f"blastdoor {options.command}: {error}", file=sys.stderr)
        return error.code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe (`| head`) has seen enough; the interpreter must not flush again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return code


def _program() -> str:
    """As the person called it: kubectl runs `kubectl-blastdoor` for `kubectl blastdoor`."""
    return "kubectl blastdoor" if Path(sys.argv[0]).name.startswith("kubectl-") else "blastdoor"


if __name__ == "__main__":
    sys.exit(main())
