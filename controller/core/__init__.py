"""The decision core. Pure: `plan(observed, now) -> Decision`, an ordered tuple of guards."""
