"""Support tickets, reviews, exit surveys and terminations of the customers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from simulator import draws, world as w
from simulator.draws import Floats
from simulator.lives import Lives
from simulator.people import People

TICKETS_A_DAY, REVIEWS_A_DAY = 0.006, 0.003

COMPLAINTS = {
    "price": ("The new price is far too high for me.", "I was charged more than agreed, again."),
    "features": ("I miss a simple export, this is frustrating.", "Search does not find anything."),
    "competitor": ("Another service does this better and faster.", "I saw a better offer."),
    "quality": ("It broke again, I am disappointed.", "The last delivery was damaged."),
    "support": ("Nobody answers, this is the worst service.", "I still wait for a reply, awful."),
}
QUESTIONS = (
    "How do I change my address? Thank you!",
    "Great product. Where do I find the invoice?",
    "Please help me to set up the app, I love it.",
)
PRAISE = ("I love it, works perfectly.", "Good value and friendly people.", "Very happy so far.")


def tickets(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """One row per ticket: row, at, resolved, category, text, ticket_id, is_anonymous.

    resolved: NaN if not resolved by the end. is_anonymous: the ticket has no customer. Tickets of
    discontented customers are complaints, and 7 of 10 name the true reason.
    """
    rows, u = _spoken(who, history, world, "ticket", TICKETS_A_DAY, w.DISCONTENT_TICKETS)
    place = rows["row"].to_numpy()
    need = 0.4 + 1.2 * who.support[place]
    rows, place, u = _kept(rows, u("need") < need / 1.6, u)
    is_bad = rows["is_bad"].to_numpy()
    other = np.floor(5 * u("other")).astype(int)
    reason = np.where(u("honest") < 0.7, who.reason[place], other)
    names = np.array(w.REASONS, dtype=object)[reason]
    pick = np.floor(2 * u("text")).astype(int)
    complaint = [COMPLAINTS[r][p] for r, p in zip(names, pick, strict=True)]
    question = np.array(QUESTIONS, dtype=object)[np.floor(3 * u("question")).astype(int)]
    rows["category"] = np.where(is_bad, names, "question")
    rows["text"] = np.where(is_bad, np.array(complaint, dtype=object), question)
    hours = 6 * np.exp(draws.normal(u("hours"))) * np.where(is_bad, 3, 1)
    resolved = rows["at"].to_numpy() + hours / 24
    rows["resolved"] = np.where((u("resolved") < 0.9) & (resolved < w.DAYS), resolved, np.nan)
    rows["ticket_id"] = _ids("t", who, rows)
    rows["is_anonymous"] = u("anonymous") < 0.02
    return rows


def reviews(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """One row per review: row, at, stars, text, review_id."""
    rows, u = _spoken(who, history, world, "review", REVIEWS_A_DAY, 2.0)
    is_bad = rows["is_bad"].to_numpy()
    mood = np.where(is_bad, 1.2, 3.6)
    rows["stars"] = np.clip(np.round(mood + 1.6 * u("stars")), 1, 5)
    reason = np.array(w.REASONS, dtype=object)[who.reason[rows["row"].to_numpy()]]
    bad = [COMPLAINTS[r][int(2 * p)] for r, p in zip(reason, u("text"), strict=True)]
    good = np.array(PRAISE, dtype=object)[np.floor(3 * u("praise")).astype(int)]
    rows["text"] = np.where(is_bad, np.array(bad, dtype=object), good)
    rows["review_id"] = _ids("r", who, rows)
    return rows


def farewells(who: People, history: Lives, world: w.World) -> pd.DataFrame:
    """One row per customer who left before the end: row, at, reason, is_formal.

    4 of 10 answer the exit survey (reason is None for the others), 9 of 10 of them with the true
    reason. is_formal: 6 of 10 terminate their contract, the others just stop buying.
    """
    rows = np.flatnonzero(history.left < w.DAYS - 1)

    def u(name: str) -> Floats:
        return draws.uniform(world.seed, f"farewell.{name}", who.id[rows])

    other = np.floor(5 * u("other")).astype(int)
    told = np.array(w.REASONS, dtype=object)[np.where(u("honest") < 0.9, who.reason[rows], other)]
    return pd.DataFrame(
        {
            "row": rows,
            "at": history.left[rows] + 0.5 * u("delay"),
            "reason": draws.blanked(told, u("answers") >= 0.4),
            "is_formal": u("formal") < 0.6,
        }
    )


def _spoken(who: People, history: Lives, world: w.World, name: str, per_day: float, worse: float):  # type: ignore[no-untyped-def]
    """Events (row, at, is_bad, number) and a function for their draws.

    `worse` multiplies the rate per day while the customer is discontented.
    """
    stays = history.stays
    row, begin = stays["row"].to_numpy(), stays["begin"].to_numpy()
    end = np.minimum(stays["end"].to_numpy(), w.DAYS)
    is_bad = stays["is_bad"].to_numpy()
    mean = per_day * np.where(is_bad, worse, 1.0) * np.maximum(end - begin, 0.0)
    stretch = begin.view(np.uint64)
    place, number = draws.events(world.seed, name, mean, who.id[row], stretch)
    u = draws.uniform(world.seed, f"{name}.time", who.id[row[place]], stretch[place], number)
    rows = pd.DataFrame(
        {
            "row": row[place],
            "at": begin[place] + (end - begin)[place] * u,
            "is_bad": is_bad[place],
        }
    ).sort_values(["row", "at"], ignore_index=True)
    rows["number"] = rows.groupby("row").cumcount()
    return rows, _drawer(who, rows, world, name)


def _drawer(who: People, rows: pd.DataFrame, world: w.World, name: str):  # type: ignore[no-untyped-def]
    ids, number = who.id[rows["row"].to_numpy()], rows["number"].to_numpy()
    return lambda what: draws.uniform(world.seed, f"{name}.{what}", ids, number)


def _kept(rows: pd.DataFrame, is_kept: Floats, u):  # type: ignore[no-untyped-def]
    kept = rows[is_kept].reset_index(drop=True)
    return kept, kept["row"].to_numpy(), lambda what: u(what)[is_kept]


def _ids(letter: str, who: People, rows: pd.DataFrame) -> list[str]:
    ids = who.id[rows["row"].to_numpy()]
    return [f"{letter}{i:07d}-{n:03d}" for i, n in zip(ids, rows["number"], strict=True)]
