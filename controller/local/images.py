"""Which images the local node serves: versions of the sample shop and nothing else; pure.

An image is a name and a tag here: nothing is downloaded, the tag becomes the version that the shop
says it is. Called by `pod_runner`.
"""

from __future__ import annotations

import sys
from typing import Final

from controller.api.k8s import Container

PREFIX: Final = "blastdoor/shop:"
"""Images of the sample shop; the tag is the version."""
_ENTRYPOINT: Final = (sys.executable, "-m", "controller.local.shop")


def problem(image: str) -> str:
    """Why an image cannot be served; empty when it can."""
    if image.startswith(PREFIX) and version(image):
        return ""
    return f"cannot pull {image!r}: the local node serves {PREFIX}<version> and nothing else"


def version(image: str) -> str:
    """The tag."""
    return image.removeprefix(PREFIX)


def command(container: Container) -> tuple[str, ...]:
    """What runs: the container's command, or the image's own, with the container's arguments."""
    return (container.command or _ENTRYPOINT) + container.args
