"""Field types shared by the kinds: the pattern and the bounds that the CRD schema shows too."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

DURATION_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
PERCENT_PATTERN = r"^[0-9]+(\.[0-9]+)?%$"
NAME_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"

Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, examples=["10m", "1h30m", "500ms"])]
Percent = Annotated[str, Meta(pattern=PERCENT_PATTERN, examples=["5%", "0.5%"])]
Weight = Annotated[float, Meta(gt=0, le=100)]
Name = Annotated[str, Meta(min_length=1, max_length=253, pattern=NAME_PATTERN)]

Positive = Annotated[float, Meta(gt=0)]
Fraction = Annotated[float, Meta(gt=0, le=1)]

ORIGINS = ("human", "assisted", "generated", "autonomous", "unknown")
"""How much of a release a machine made."""
