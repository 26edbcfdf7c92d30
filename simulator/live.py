"""Engagement events as they arrive: most within a minute, some late, some twice, a few broken."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from simulator import behaviour, draws, world as w
from simulator.lives import lives
from simulator.people import customer_names, people

# Shares of the events: delivered twice; hours late; not readable.
TWICE, LATE, BROKEN = 0.01, 0.005, 0.001
# Usual delay and delay of late ones, in days.
USUAL_DELAY, LATE_DELAY = 30 / 86_400, 6 / 24


def deliveries(world: w.World, start: float, end: float) -> pd.DataFrame:
    """One row per message that is delivered for an event in [start, end): at, value.

    start, end, at: days since FIRST_DAY; at is the delivery. value: the message, JSON but for
    broken ones. In the order of delivery.
    """
    ids = np.arange(world.customers, dtype=np.int64)
    who = people(ids, world)
    rows = behaviour.events(who, lives(who, world), world)
    number = rows.groupby("row").cumcount().to_numpy()
    customers = who.id[rows["row"].to_numpy()]

    def u(name: str) -> draws.Floats:
        return draws.uniform(world.seed, f"live.{name}", customers, number)

    delay = USUAL_DELAY * draws.exponential(u("delay"))
    delay += np.where(u("late") < LATE, LATE_DELAY * draws.exponential(u("how late")), 0.0)
    rows = rows.assign(
        customer_id=customer_names(customers),
        delivered=rows["at"] + delay,
        is_twice=u("twice") < TWICE,
        is_broken=u("broken") < BROKEN,
    )
    rows = rows[(rows["at"] >= start) & (rows["at"] < end)]
    again = rows[rows["is_twice"]].assign(is_broken=False)
    again = again.assign(delivered=again["delivered"] + USUAL_DELAY)
    both = pd.concat([rows, again], ignore_index=True)
    both = both.sort_values(["delivered", "event_id"], ignore_index=True)
    values = [_message(*row) for row in both[_SENT].itertuples(index=False, name=None)]
    return pd.DataFrame({"at": both["delivered"], "value": values})


_SENT = ["customer_id", "event_id", "kind", "at", "feature", "duration_minutes", "is_broken"]


def _message(
    customer_id: str,
    event_id: str,
    kind: str,
    at: float,
    feature: str | None,
    minutes: float,
    is_broken: bool,
) -> str:
    """The event as its JSON text. A broken one is cut in the middle."""
    moment = pd.Timestamp(w.FIRST_DAY) + pd.to_timedelta(round(at * 86_400), unit="s")
    event: dict[str, object] = {
        "customer_id": customer_id,
        "event_id": event_id,
        "kind": kind,
        "occurred_at": f"{moment.isoformat()}Z",
    }
    if feature is not None:
        event["feature"] = feature
    if not np.isnan(minutes):
        event["duration_minutes"] = minutes
    text = json.dumps(event)
    return text[: len(text) // 2] if is_broken else text
