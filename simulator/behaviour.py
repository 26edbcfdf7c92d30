"""Engagement of the customers: logins, use of features, e-mails, posts and page views."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.lives import Lives
from simulator.people import People

# Events per day of a content customer.
LOGINS, USES, VIEWS, POSTS = 0.16, 0.16, 0.10, 0.01
EMAIL_EVERY = 14


def events(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """One row per event: row, kind, at, feature, duration_minutes, event_id.

    row: position in People. at: days since FIRST_DAY. feature: null except for feature_use.
    duration_minutes: NaN except for feature_use and login.
    """
    rows = pd.concat(
        [visits(who, history.stays, world), emails(who, history, world)], ignore_index=True
    )
    rows = rows.sort_values(["row", "at", "kind"], ignore_index=True)
    number = rows.groupby("row").cumcount().to_numpy()
    ids = who.id[rows["row"].to_numpy()]

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"event.{name}", ids, number)

    is_use = (rows["kind"] == "feature_use").to_numpy()
    feature = np.array(w.FEATURES, dtype=object)[np.floor(8 * u("feature") ** 1.5).astype(int)]
    rows["feature"] = np.where(is_use, feature, None)
    minutes = np.round(np.minimum(600, 4 * np.exp(draws.normal(u("minutes")))), 1)
    is_timed = is_use | (rows["kind"] == "login").to_numpy()
    rows["duration_minutes"] = np.where(is_timed, minutes, np.nan)
    rows["event_id"] = [f"e{i:07d}-{n:05d}" for i, n in zip(ids, number, strict=True)]
    return rows


def visits(who: People, stays: pd.DataFrame, world: w.World) -> pd.DataFrame:
    """One row per login, use of a feature, page view and post: row, kind, at."""
    per_day = {
        "login": LOGINS * (0.5 + draws.gamma(_own(who, world), 2.0)),
        "feature_use": USES * (0.4 + 1.2 * who.features),
        "page_view": np.full(len(who.id), VIEWS),
        "community_post": POSTS * (0.3 + 2 * who.loyalty),
    }
    kinds = [_during(who, stays, world, kind, rate) for kind, rate in per_day.items()]
    return pd.concat(kinds, ignore_index=True)


def _own(who: People, world: w.World) -> Floats:
    return draws.uniform(world.seed, "login.habit", who.id)


def _during(
    who: People, stays: pd.DataFrame, world: w.World, kind: str, per_day: Floats
) -> pd.DataFrame:
    """Events at a constant rate per day, which is lower while the customer is discontented."""
    row, begin = stays["row"].to_numpy(), stays["begin"].to_numpy()
    end = np.minimum(stays["end"].to_numpy(), w.DAYS)
    mood = np.where(stays["is_bad"].to_numpy(), w.DISCONTENT_LOGINS, 1.0)
    mean = per_day[row] * mood * np.maximum(end - begin, 0.0)
    stretch = begin.view(np.uint64)
    place, number = draws.events(world.seed, kind, mean, who.id[row], stretch)
    u = draws.uniform(world.seed, f"{kind}.time", who.id[row[place]], stretch[place], number)
    at = begin[place] + (end - begin)[place] * u
    return pd.DataFrame({"row": row[place], "kind": kind, "at": at})


def emails(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """A newsletter every two weeks until two months after leaving, with opens and replies.

    One row per event: row, kind, at. The chance to open depends on loyalty, and is low after
    leaving.
    """
    dates = np.arange(EMAIL_EVERY, w.DAYS, EMAIL_EVERY)
    row = np.repeat(np.arange(len(who.id)), len(dates))
    day = np.tile(dates, len(who.id))
    until = np.where(np.isnan(history.left), np.inf, history.left + w.WRITTEN_TO_AFTER_LEAVING)
    sent = (day > who.signup[row]) & (day < until[row]) & ~who.is_opted_out[row]
    row, day = row[sent], day[sent]
    gone = day > np.where(np.isnan(history.left), np.inf, history.left)[row]

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"email.{name}", who.id[row], day)

    opened = u("opened") < np.where(gone, 0.03, 0.15 + 0.35 * who.loyalty[row])
    replied = opened & (u("replied") < 0.05)
    at = day + 9 / 24
    kinds = [
        ("email_sent", at, np.full(len(row), True)),
        ("email_opened", at + 0.02 + 0.4 * u("delay"), opened),
        ("email_replied", at + 0.45 + 0.5 * u("answer"), replied),
    ]
    rows = [pd.DataFrame({"row": row[is_so], "kind": k, "at": t[is_so]}) for k, t, is_so in kinds]
    both = pd.concat(rows, ignore_index=True)
    return both[both["at"] < w.DAYS]
