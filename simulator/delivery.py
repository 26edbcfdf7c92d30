"""How rows are delivered: their times, and missing, duplicate and late ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.lives import Lives, lives
from simulator.people import People, people

# Shares of the rows of a table: never delivered, delivered twice, delivered one quarter late.
MISSING, TWICE, LATE = 0.003, 0.005, 0.01
FILE_DAYS = 90


def lived(ids: NDArray[np.int64], world: w.World) -> tuple[People, Lives]:
    """The customers with the given numbers, and their lives."""
    who = people(ids, world)
    return who, lives(who, world)


def moments(days: pd.Series | NDArray) -> pd.Series:
    """Days since FIRST_DAY as timestamps (UTC, whole seconds); NaN becomes NaT."""
    seconds = pd.to_timedelta(np.round(np.asarray(days, dtype=float) * 86_400), unit="s")
    return pd.Series(pd.Timestamp(w.FIRST_DAY) + seconds)


def delivered(
    rows: pd.DataFrame, ids: NDArray[np.int64], world: w.World, *, name: str
) -> pd.DataFrame:
    """The rows with missing and duplicate ones, and `file_number`, the file of each row.

    The order of a customer's rows must not depend on other customers.
    """
    rows = rows.assign(number=pd.Series(ids).groupby(ids).cumcount().to_numpy())

    def u(what: str) -> draws.Floats:
        return draws.uniform(world.seed, f"{name}.{what}", ids, rows["number"].to_numpy())

    quarter = np.floor(rows["at"].to_numpy() / FILE_DAYS).astype(np.int32)
    last = w.DAYS // FILE_DAYS
    rows["file_number"] = np.minimum(quarter + (u("late") < LATE), last).astype(np.int32)
    rows = rows.assign(is_twice=u("twice") < TWICE)[u("missing") >= MISSING]
    again = rows[rows["is_twice"]]
    again = again.assign(file_number=np.minimum(again["file_number"] + 1, last).astype(np.int32))
    return pd.concat([rows, again], ignore_index=True)


def numbers(names: pd.Series) -> NDArray[np.int64]:
    """The numbers of customers from their ids."""
    return names.str.slice(1).astype(np.int64).to_numpy()
