"""`blastdoor explain` asks the operator's own rules, up to the one that answers."""

from __future__ import annotations

from controller.cli.explain import answers, rules
from controller.core.guards.order import ORDER
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.shop import NOW


def test_without_a_name_every_rule_stands_in_its_order() -> None:
    told = rules().splitlines()
    assert len(told) == len(ORDER) + 1
    assert ORDER[0].__name__ in told[1]


def test_the_rule_that_decides_is_the_last_and_says_why() -> None:
    look = release().stepping(2).verdict("ROLLBACK", "orders fell by a third").observed()
    told = answers(look, NOW).splitlines()
    assert "harm_found" in told[-1]
    assert "HarmFound: orders fell by a third" in told[-1]
    assert all(line.rstrip().endswith("-") for line in told[1:-1])


def test_no_rules_sentence_is_cut_at_the_end_of_its_first_line() -> None:
    assert all(line.rstrip().endswith(".") for line in rules().splitlines()[1:])
