"""What the environment makes of the shop, and that shares and means are what they say."""

from random import Random

import pytest

from controller.local.shop_faults import COLD_FACTOR, Behaviour, behaviour_of

N = 20_000


def test_without_variables_the_shop_is_healthy() -> None:
    assert behaviour_of({}) == Behaviour()


def test_every_variable_has_its_effect() -> None:
    assert behaviour_of(
        {
            "SHOP_VERSION": "v3",
            "SHOP_LATENCY": "0.01",
            "SHOP_ERRORS": "0.2",
            "SHOP_LOSE_ORDERS": "0.99",
            "SHOP_SLOW": "10:0.05",
            "SHOP_LEAK": "0.02",
            "SHOP_CRASH": "after:50",
            "SHOP_COLD": "3",
            "SHOP_BURSTY": "4",
            "SHOP_LAME_DUCK": "0.5",
            "SHOP_FAULTY_WHEN": "/tmp/bug",
        }
    ) == Behaviour("v3", 0.01, 0.2, 0.99, 10.0, 0.05, 0.02, False, 50, 3.0, 4.0, 0.5, "/tmp/bug")
    assert behaviour_of({"SHOP_CRASH": "start"}).crash_at_start


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_ERRORS", "1.5"),
        ("SHOP_ERRORS", "nan"),
        ("SHOP_LOSE_ORDERS", "most"),
        ("SHOP_SLOW", "10"),
        ("SHOP_SLOW", "0:0.5"),
        ("SHOP_LEAK", "-1"),
        ("SHOP_COLD", "inf"),
        ("SHOP_CRASH", "later"),
        ("SHOP_CRASH", "after:0"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name}.*allowed is"):
        behaviour_of({name: value})


def test_a_share_of_the_orders_fails_and_another_is_lost() -> None:
    behaviour, dice = Behaviour(errors=0.2, lose_orders=0.99), Random(1)
    assert sum(behaviour.fails(dice) for _ in range(N)) / N == pytest.approx(0.2, abs=0.01)
    assert sum(behaviour.loses(dice) for _ in range(N)) / N == pytest.approx(0.99, abs=0.01)


def test_a_healthy_shop_rolls_no_dice_for_faults() -> None:
    dice = Random(1)
    before = dice.getstate()
    assert not Behaviour().fails(dice)
    assert not Behaviour().loses(dice)
    assert Behaviour().basket(dice) == 1
    assert dice.getstate() == before


def mean_duration(behaviour: Behaviour, age_s: float) -> float:
    dice = Random(2)
    return sum(behaviour.duration_s(age_s, dice) for _ in range(N)) / N


def test_a_slow_share_raises_the_mean_by_its_factor() -> None:
    behaviour = Behaviour(latency_s=0.01, slow_factor=10.0, slow_share=0.5)
    assert mean_duration(behaviour, 0.0) == pytest.approx(0.055, rel=0.05)


def test_a_leak_makes_it_slower_with_age() -> None:
    behaviour = Behaviour(latency_s=0.01, leak_per_s=0.1)
    assert mean_duration(behaviour, 10.0) == pytest.approx(0.02, rel=0.05)


def test_a_cold_start_warms_up() -> None:
    behaviour = Behaviour(latency_s=0.01, cold_s=4.0)
    assert mean_duration(behaviour, 0.0) == pytest.approx(0.01 * COLD_FACTOR, rel=0.05)
    assert mean_duration(behaviour, 4.0) == pytest.approx(0.01, rel=0.05)


def test_baskets_are_geometric_with_the_mean_asked_for() -> None:
    behaviour, dice = Behaviour(basket_mean=4.0), Random(3)
    baskets = [behaviour.basket(dice) for _ in range(N)]
    assert min(baskets) == 1
    assert sum(baskets) / N == pytest.approx(4.0, rel=0.03)
    assert baskets.count(1) / N == pytest.approx(0.25, abs=0.01)
