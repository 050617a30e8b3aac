"""People, the author, broken references and missing data hold a weight, each with a deadline."""

from __future__ import annotations

from controller.core.actions import ApplyCanary, Contain, SetWeight
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, proves, table
from tests.unit.controller.core.shop import UID
from tests.unit.controller.core.worlds import entering

UP, BACK = Phase.STEPPING, Phase.RETREATING
DAY = 24 * 60

HELD = (
    Case("missing data holds, even after a passed test",
         release().stepping(2).verdict("STEP_UP").no_data(), "weight_held", Reason.NO_DATA, UP,
         nothing=True, waits_until=DAY - 2),
    Case("no sample at all holds", release().stepping(2).no_evidence(), "weight_held",
         Reason.NO_DATA, UP, nothing=True),
    Case("missing data past the deadline goes back as inconclusive",
         release().stepping(2).no_data().entered(DAY), "weight_held", Reason.NO_EVIDENCE, BACK,
         (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("a person holds", release().stepping(2).verdict("STEP_UP").held_by("alice"),
         "weight_held", Reason.HELD, UP, nothing=True),
    Case("the author holds", release().stepping(2).verdict("STEP_UP").paused_by_author(),
         "weight_held", Reason.PAUSED, UP, nothing=True),
    Case("a broken reference holds", release().stepping(2).verdict("STEP_UP").blocked(),
         "weight_held", Reason.ANALYSIS_MISSING, UP, nothing=True),
    Case("a hold that comes before the weight is written keeps it unwritten",
         entering(3).held_by("alice"), "traffic_lags", Reason.HELD, UP, nothing=True,
         waits_until=DAY - 2),
    Case("spec.paused does so too", entering(3).paused_by_author(), "traffic_lags", Reason.PAUSED,
         UP, nothing=True),
    Case("a broken reference does so too", entering(3).blocked(Reason.UNPINNED_SERVICE),
         "traffic_lags", Reason.UNPINNED_SERVICE, UP, nothing=True),
    Case("by pods a hold keeps the canary from growing",
         entering(4).by_pods().canary(ready=1).held_by("alice"), "canary_starting", Reason.HELD, UP,
         nothing=True),
    Case("with a route the pods of a held run are made, as they take no traffic",
         entering(4).canary(ready=1).held_by("alice"), "canary_starting", Reason.CANARY_STARTING,
         UP, (ApplyCanary(UID, 2),), (SetWeight,)),
    Case("by pods a canary that nobody holds grows", entering(4).by_pods().canary(ready=1),
         "canary_starting", Reason.CANARY_STARTING, UP, (ApplyCanary(UID, 4),)),
    Case("a weight that is too high is lowered while a person holds",
         entering(2).weight(50).held_by("alice"), "traffic_lags", Reason.ROUTE_PENDING, UP,
         (SetWeight(5, UID),)),
    Case("the watch is held too", release().watching().held_by("alice").entered(30),
         "weight_held", Reason.HELD, Phase.WATCHING, nothing=True),
    Case("a held proposal waits for a person without looking again and again",
         release().proposed().held_by("alice").entered(DAY + 1), "weight_held", Reason.HELD,
         Phase.PROPOSED, nothing=True),
    Case("a restart is not held by what the ladder refers to",
         release().proposed().restart_only().blocked(), "start", Reason.RESTARTING,
         Phase.ABSORBING),
)  # fmt: skip


@table(HELD)
def test_what_holds(case: Case) -> None:
    proves(case)
