"""The exit codes of the command line: stable, so that a pipeline can tell failures apart."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Exit(IntEnum):
    """What the process ends with."""

    OK = 0
    NO = 1
    USAGE = 2
    NOT_FOUND = 3
    UNREACHABLE = 4
    REFUSED = 5
    INTERRUPTED = 130


MEANING: Final = {
    Exit.OK: "done, or the answer is yes",
    Exit.NO: "the answer is no: problems found, a command refused by the operator, not finished",
    Exit.USAGE: "wrong usage: an unknown option or a missing argument",
    Exit.NOT_FOUND: "the named object does not exist",
    Exit.UNREACHABLE: "no cluster: no kubeconfig, no connection, no valid login",
    Exit.REFUSED: "the API server refused it: no permission, a policy, an invalid object",
    Exit.INTERRUPTED: "interrupted from the keyboard",
}


class CommandError(Exception):
    """What a person has to know when a command cannot do its work, and the code it ends with."""

    def __init__(self, text: str, code: Exit = Exit.NO) -> None:
        super().__init__(text)
        self.code = code
