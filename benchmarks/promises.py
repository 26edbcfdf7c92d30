"""How soon a promise that is no longer kept is found.

    bin/with-env python -m benchmarks.promises

Each week 20,000 customers are treated and 2,000 held out, the promise is 5 points, and outcomes are
complete 30 days after the plan. After 26 weeks the effect falls to half. Counted are the weeks from
the day on which the outcome of the first affected cohort is complete.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.measure import Section, write
from models.experiments import Moments
from models.promises import Cohort, results

REPLAYS, SEED = 200, 20260101
WEEKS_BEFORE, WEEKS, HORIZON = 26, 6, 30
TREATED, HELD_OUT, PROMISE, BASE = 20_000, 2_000, 0.05, 0.5
ALPHA, SHARE_KEPT = 0.05, 0.5
DAY = dt.date(2026, 1, 1)


def arm(draw: Any, customers: int, rate: float) -> Moments:
    """The moments of an arm."""
    ones = float(draw.binomial(customers, rate))
    return Moments(customers, ones, ones)


def cohorts(draw: Any, weeks: int, effect_after: float) -> list[Cohort]:
    """Weekly cohorts; from the week WEEKS_BEFORE on the effect is `effect_after`."""
    made = []
    for week in range(weeks):
        day = DAY + dt.timedelta(weeks=week)
        effect = PROMISE if week < WEEKS_BEFORE else effect_after
        arms = arm(draw, TREATED, BASE + effect), arm(draw, HELD_OUT, BASE)
        made.append(Cohort(day, day + dt.timedelta(days=HORIZON), *arms, PROMISE))
    return made


def first_found(made: list[Cohort]) -> int | None:
    """The first cohort from which on the promise counts as not kept."""
    verdicts = [k.is_kept for k in results(made, SHARE_KEPT, ALPHA)]
    return verdicts.index(False) if False in verdicts else None


def run() -> Section:
    """Shares of replays that find a decay in time, and false alarms."""
    section = Section(
        "Promised and measured effect: decay by half",
        f"{REPLAYS} replays; {TREATED:,} treated and {HELD_OUT:,} held out per week, a promise of "
        f"{PROMISE:.0%}, {BASE:.0%} retained without an offer. Found: within {WEEKS} weeks after "
        "the outcome of the first affected cohort is complete, and not before it. False alarm: any "
        "alarm in 52 weeks with the promise kept. 95 % interval of "
        "Clopper and Pearson.",
        ("effect", "weeks", "what", "replays", "share", "95 % interval"),
    )
    draw = np.random.default_rng(SEED)
    # One further cohort completes each week: cohorts 26 to 26 + WEEKS are complete in time.
    decayed = [
        first_found(cohorts(draw, WEEKS_BEFORE + WEEKS + 1, PROMISE / 2)) for _ in range(REPLAYS)
    ]
    in_time = sum(place is not None and place >= WEEKS_BEFORE for place in decayed)
    kept = [first_found(cohorts(draw, 52, PROMISE)) for _ in range(REPLAYS)]
    false = sum(place is not None for place in kept)
    rows = [
        ("halved", WEEKS_BEFORE + WEEKS + 1, "found in time", in_time, 0.9, True),
        ("kept", 52, "false alarm", false, 0.05, False),
    ]
    for effect, weeks, what, count, bound, at_least in rows:
        low, high = stats.binomtest(count, REPLAYS).proportion_ci(0.95)
        section.add(
            effect, weeks, what, count, f"{count / REPLAYS:.3f}", f"{low:.3f} to {high:.3f}"
        )
        section.reach(what, count / REPLAYS, bound, at_least)
    return section


if __name__ == "__main__":
    write(run())
