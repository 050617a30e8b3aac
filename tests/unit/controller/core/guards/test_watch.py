"""At full share: shifted, watched with a live control, absorbed only when that was seen."""

from __future__ import annotations

from controller.core.actions import ApplyCanary, Contain, SetWeight, Unpause
from controller.core.phases import Outcome, Phase
from controller.core.reasons import Reason
from tests.unit.controller.core.builders import release
from tests.unit.controller.core.cases import Case, proves, table
from tests.unit.controller.core.shop import UID, ago

ON = Phase.ABSORBING

SHIFTED = (
    Case("the canary grows to full size before it takes the traffic",
         release().shifting().canary(ready=2).weight(50).not_in_force(), "canary_starting",
         Reason.CANARY_STARTING, Phase.SHIFTING, (ApplyCanary(UID, 4),), (SetWeight,)),
    Case("then it takes all traffic but the holdback",
         release().shifting().weight(50).not_in_force(), "traffic_lags", Reason.ROUTE_PENDING,
         Phase.SHIFTING, (SetWeight(98, UID),)),
    Case("in force, the watch begins", release().shifting(), "shifted", Reason.WATCHING,
         Phase.WATCHING),
    Case("without data it does not begin", release().shifting().no_data(), "weight_held",
         Reason.NO_DATA, Phase.SHIFTING),
    Case("harm on the way to full traffic goes back", release().shifting().verdict("ROLLBACK"),
         "harm_found", Reason.HARM_FOUND, Phase.RETREATING, (Contain(UID),)),
)  # fmt: skip
WATCHED = (
    Case("it is watched to the end", release().watching(), "watching", Reason.WATCHING,
         Phase.WATCHING, nothing=True, waits_until=8),
    Case("with no harm found the Deployment absorbs", release().watching().entered(10),
         "watching", Reason.ABSORBING, ON, not_=(Unpause,)),
    Case("a watch without data does not end well", release().watching().entered(10).no_data(),
         "weight_held", Reason.NO_DATA, Phase.WATCHING, nothing=True),
    Case("a watch with holes in its data goes on",
         release().watching().entered(10).in_doubt(), "watching", Reason.WATCHING, Phase.WATCHING,
         nothing=True, waits_until=24 * 60),
    Case("not for ever", release().watching().entered(24 * 60 + 10).in_doubt(), "watching",
         Reason.NO_EVIDENCE, Phase.RETREATING, (Contain(UID),), outcome=Outcome.INCONCLUSIVE),
    Case("the time in which no operator watched does not count",
         release().watching().entered(30).acting_for(1), "watching", Reason.WATCHING,
         Phase.WATCHING, waits_until=9),
    Case("a watch that began by a clock ahead of ours ends by ours",
         release().watching().entered(-60).acting_for(10), "watching", Reason.ABSORBING, ON),
    Case("evidence that does not cover the watch does not end it",
         release().watching().entered(11).seen_until(2), "watching", Reason.WATCHING,
         Phase.WATCHING, says="its last ticks are not read yet"),
    Case("without a watch there is nothing to cover",
         release().watching().promotion(watch="0s").entered(1).seen_until(2), "watching",
         Reason.ABSORBING, ON),
    Case("time without data is no time of the watch",
         release().watching().entered(12).status(no_data_since=ago(5)), "watching",
         Reason.WATCHING, Phase.WATCHING, says="the watch goes on where it was"),
    Case("a foreign weight is set back in the watch", release().watching().weight(50),
         "traffic_lags", Reason.FOREIGN_WEIGHT, Phase.WATCHING, (SetWeight(98, UID),)),
)  # fmt: skip


@table((*SHIFTED, *WATCHED))
def test_the_watch(case: Case) -> None:
    proves(case)
