"""JSON that is nested deeper than a reader can follow, cut so that the rest of it can be read.

Pure. An API server takes objects of 10,000 levels where a schema leaves a field open; readers here
give up near 1,000, and one such object must not take the others of its page with it.
"""

from __future__ import annotations

import re

LEVELS = 100
"""An object in earnest has some twenty."""
MARK = b"(blastdoor: nested too deep)"
"""Stands where something was cut: what holds it is not the object that the server holds."""

_CUT = b'"' + MARK + b'"'
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)


def cut(body: bytes, levels: int = LEVELS) -> bytes:
    """`body` with each value below `levels` replaced by a string that is, or holds, `MARK`."""
    kept: list[bytes] = []
    depth, begin = 0, 0
    for token in _TOKENS.finditer(body):
        match token.group():
            case b"{" | b"[":
                if depth == levels:
                    kept += (body[begin : token.start()], _CUT)
                depth += 1
            case b"}" | b"]":
                depth -= 1
                if depth == levels:
                    begin = token.end()
    kept.append(body[begin:])
    return b"".join(kept)
