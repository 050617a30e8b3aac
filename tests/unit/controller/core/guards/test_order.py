"""The order of the rules is the specification: this table pins it."""

from controller.core.guards.order import ORDER


def test_the_order_of_the_rules() -> None:
    assert [guard.__name__ for guard in ORDER] == [
        "namespace_ending", "leaving", "aborted_by_person", "harm_found", "canary_crashing",
        "contained_already", "recreated", "reverting", "retreating", "finalizer_missing", "invalid",
        "workload_missing", "workload_taken", "adoption", "withdrawn", "superseded",
        "person_decides", "scaled_to_zero", "canary_lost", "settling", "absorbing_underneath",
        "absorbing", "canary_starting", "traffic_lags", "weight_held", "start", "gathering",
        "shifted", "watching", "leftovers", "blocked", "proposal", "at_rest",
    ]  # fmt: skip


def test_every_rule_says_what_it_asks() -> None:
    assert all((guard.__doc__ or "").strip() for guard in ORDER)
