"""How the sample shop misbehaves, read from environment variables; the dice are given to it.

It answers, for one request, how long to take, whether to fail, whether to lose the order. It knows
no HTTP and no clock. Called by `shop`.

    SHOP_VERSION=v2            what it calls itself
    SHOP_LATENCY=0.004         mean time of a request, in seconds (exponential)
    SHOP_ERRORS=0.2            answers 500 to this share of the orders
    SHOP_LOSE_ORDERS=0.99      answers 200 but does not place this share of the orders
    SHOP_SLOW=10:0.05          takes 10 times as long for 5% of the requests
    SHOP_LEAK=0.02             each second of its life makes it slower by 2% of the first second
    SHOP_CRASH=start|after:50  ends with code 1 at its start, or after that many orders
    SHOP_COLD=3                is slow at its start and needs so many seconds to warm up
    SHOP_BURSTY=4              an order counts as a basket of geometric size with this mean
    SHOP_LAME_DUCK=2           goes on serving for so long after SIGTERM, in seconds
    SHOP_FAULTY_WHEN=/tmp/bug  fails and loses orders only while this file exists
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, TypeVar

N = TypeVar("N", int, float)

COLD_FACTOR: Final = 10.0
"""How many times slower than warm a shop with SHOP_COLD is in its first moment."""


@dataclass(frozen=True)
class Behaviour:
    """What one version of the shop does; the defaults are a healthy one."""

    version: str = "dev"
    latency_s: float = 0.004
    errors: float = 0.0
    lose_orders: float = 0.0
    slow_factor: float = 1.0
    slow_share: float = 0.0
    leak_per_s: float = 0.0
    crash_at_start: bool = False
    crash_after_orders: int | None = None
    cold_s: float = 0.0
    basket_mean: float = 1.0
    lame_duck_s: float = 2.0
    faulty_when: str = ""
    """A file: errors and lost orders only while it exists. Empty: always."""

    def duration_s(self, age_s: float, dice: Random) -> float:
        """How long a request takes in a process that is `age_s` old."""
        factor = 1.0 + self.leak_per_s * age_s
        if age_s < self.cold_s:
            factor *= 1.0 + (COLD_FACTOR - 1.0) * (1.0 - age_s / self.cold_s)
        if self.slow_share and dice.random() < self.slow_share:
            factor *= self.slow_factor
        return dice.expovariate(1.0) * self.latency_s * factor

    def fails(self, dice: Random) -> bool:
        """Whether this order is answered with 500."""
        return bool(self.errors) and dice.random() < self.errors

    def loses(self, dice: Random) -> bool:
        """Whether this order is answered with 200 and forgotten."""
        return bool(self.lose_orders) and dice.random() < self.lose_orders

    def basket(self, dice: Random) -> int:
        """How many orders the counter shows for one: 1, or geometric with mean `basket_mean`."""
        if self.basket_mean <= 1.0:
            return 1
        return 1 + math.floor(math.log(1.0 - dice.random()) / math.log1p(-1.0 / self.basket_mean))


def behaviour_of(environment: Mapping[str, str]) -> Behaviour:
    """The behaviour asked for; ValueError names variable, value and what is allowed."""
    read = _Reader(environment)
    slow_factor, slow_share = read.slow()
    crash_at_start, crash_after = read.crash()
    return Behaviour(
        version=environment.get("SHOP_VERSION", "dev"),
        latency_s=read.number("SHOP_LATENCY", 0.004),
        errors=read.share("SHOP_ERRORS"),
        lose_orders=read.share("SHOP_LOSE_ORDERS"),
        slow_factor=slow_factor,
        slow_share=slow_share,
        leak_per_s=read.number("SHOP_LEAK", 0.0),
        crash_at_start=crash_at_start,
        crash_after_orders=crash_after,
        cold_s=read.number("SHOP_COLD", 0.0),
        basket_mean=read.number("SHOP_BURSTY", 1.0),
        lame_duck_s=read.number("SHOP_LAME_DUCK", 2.0),
        faulty_when=environment.get("SHOP_FAULTY_WHEN", ""),
    )


@dataclass(frozen=True)
class _Reader:
    environment: Mapping[str, str]

    def number(self, name: str, default: float) -> float:
        """A finite number that is not negative."""
        text = self.environment.get(name, "")
        if not text:
            return default
        return _parsed(name, text, float, lambda value: 0.0 <= value < math.inf, "a number >= 0")

    def share(self, name: str) -> float:
        """A number in [0, 1]."""
        text = self.environment.get(name, "")
        if not text:
            return 0.0
        return _parsed(name, text, float, lambda value: 0.0 <= value <= 1.0, "a share in [0, 1]")

    def slow(self) -> tuple[float, float]:
        """Factor and share of SHOP_SLOW."""
        text = self.environment.get("SHOP_SLOW", "")
        if not text:
            return 1.0, 0.0
        factor, _, share = text.partition(":")
        allowed = "FACTOR:SHARE, as 10:0.05"
        return (
            _parsed("SHOP_SLOW", factor, float, lambda value: 0.0 < value < math.inf, allowed),
            _parsed("SHOP_SLOW", share, float, lambda value: 0.0 <= value <= 1.0, allowed),
        )

    def crash(self) -> tuple[bool, int | None]:
        """Whether SHOP_CRASH ends it at the start, or after how many orders."""
        text = self.environment.get("SHOP_CRASH", "")
        if text in ("", "start"):
            return text == "start", None
        kind, _, count = text.partition(":")
        if kind != "after":
            raise ValueError(f"SHOP_CRASH={text}: allowed is start, or after:N")
        return False, _parsed("SHOP_CRASH", count, int, lambda value: value > 0, "after:N, N > 0")


def _parsed(
    name: str, text: str, parse: Callable[[str], N], fits: Callable[[N], bool], allowed: str
) -> N:
    try:
        value = parse(text)
    except ValueError:
        raise ValueError(f"{name}: {text!r} came, allowed is {allowed}") from None
    if not fits(value):
        raise ValueError(f"{name}: {text!r} came, allowed is {allowed}")
    return value
