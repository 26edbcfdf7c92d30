"""Alarm on overdue_percentile against fixed days of silence: days of lead at equal precision.

    bin/with-env python -m benchmarks.overdue_alarm lakehouse

A silence begins with a purchase day and ends with the next one. A rule raises its alarm on the
first day on which it holds. The alarm is right if no purchase follows in the next 90 days. The
models are fitted on the first third of the history; silences that began later are judged.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
from deltalake import DeltaTable
from numpy.typing import NDArray

from benchmarks.measure import Section, write
from models.next_purchase import NextPurchase, fit

FIXED = (30, 60, 90)
QUIET_DAYS = 90
# Shares of shorter gaps, finer near 1; and probabilities of no purchase in QUIET_DAYS.
SHARES = np.concatenate([np.arange(0.50, 0.99, 0.01), 1 - np.geomspace(0.01, 1e-5, 40)])
CHANCES = np.geomspace(0.005, 0.99, 80)
# A day after the end of all data, for what never happens.
NEVER = 1e6
SAMPLES, SEED = 500, 20180101
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Silences:
    """One element per silence: customer code, gaps before it, their days, first and last day."""

    customer: NDArray[np.int64]
    x: Array
    recency: Array
    begins: Array
    ends: Array


def purchase_days(lakehouse: Path) -> pd.DataFrame:
    """One row per customer and purchase day of silver.transactions; `day` counts from the first."""
    lines = DeltaTable(lakehouse / "silver" / "transactions").to_pyarrow_dataset()
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("lines", lines)
    days = connection.sql(
        "SELECT customer_id, CAST(purchased_at AS DATE) AS bought_on FROM lines "
        "WHERE amount >= 0 GROUP BY ALL ORDER BY ALL"
    ).df()
    day = (days["bought_on"] - days["bought_on"].min()).dt.days
    # The last day is incomplete.
    return days.assign(day=day)[day < day.max()]


def regular_buyers(customers: int = 2_000) -> pd.DataFrame:
    """A generated company: std / mean of the gaps 0.4, means of 5 to 60 days.

    After each purchase 3 % leave.
    """
    draw, rows = np.random.default_rng(SEED), []
    for customer in range(customers):
        mean, at = np.exp(draw.uniform(np.log(5), np.log(60))), draw.uniform(0, 60)
        while at < 365:
            rows.append((customer, int(at)))
            if draw.random() < 0.03:
                break
            at += max(draw.gamma(6, mean / 6), 1.0)
    return pd.DataFrame(rows, columns=["customer_id", "day"])


def fitted(days: pd.DataFrame, until: int) -> NextPurchase:
    """The model as fit_lifetime would have fitted it on the day `until`."""
    cut = until - min(90, until // 2)
    bought = days[days["day"] < cut].groupby("customer_id")["day"].agg(["count", "min", "max"])
    following = days[(days["day"] >= cut) & (days["day"] < until)].groupby("customer_id")["day"]
    rows = pd.DataFrame(
        {
            "frequency": bought["count"] - 1,
            "recency_days": bought["max"] - bought["min"],
            "T_days": cut - 1 - bought["min"],
            "next_days": following.min().reindex(bought.index) - cut,
        }
    )
    return fit(rows, until - cut, fewest=50)


def silences(days: pd.DataFrame, since: int) -> Silences:
    """The silences that began on or after the day `since`, of customers with a gap before."""
    rows = days.sort_values(["customer_id", "day"])
    by = rows.groupby("customer_id")["day"]
    rows = rows.assign(x=by.cumcount(), first=by.transform("min"), ends=by.shift(-1))
    rows = rows[(rows["day"] >= since) & (rows["x"] > 0)]
    return Silences(
        customer=pd.factorize(rows["customer_id"])[0],
        x=rows["x"].to_numpy(dtype=float),
        recency=(rows["day"] - rows["first"]).to_numpy(dtype=float),
        begins=rows["day"].to_numpy(dtype=float),
        ends=rows["ends"].fillna(NEVER).to_numpy(dtype=float),
    )


def by_percentile(model: NextPurchase, rows: Silences) -> Array:
    """Day of the alarm by level and silence: the first as_of with the share of shorter gaps."""
    usual = [model.gap_quantile(rows.x, rows.recency, 0 * rows.x + 1 - q) for q in SHARES]
    return rows.begins + 1 + np.minimum(np.ceil(usual), NEVER)


def by_probability(model: NextPurchase, rows: Silences, end: int) -> Array:
    """Day of the alarm by level and silence: P(no purchase in the next 90 days) >= level."""
    silent = np.arange(0, end)[:, None]
    quiet = model.p_no_purchase(
        rows.x[None], rows.recency[None], rows.recency[None] + silent, days=float(QUIET_DAYS)
    )
    # It may fall with time before it rises: the first day counts.
    holds = ((quiet >= q) for q in CHANCES)
    return rows.begins + 1 + np.array([np.where(h.any(0), h.argmax(0), NEVER) for h in holds])


def compare(
    rows: Silences, levels: Array, alarms: Array, *, fixed_days: int, end: int
) -> dict[str, Any]:
    """The rule at the lowest level with at least the precision of the fixed rule.

    gain: mean of fixed day minus rule's day, over the silences in which the fixed alarm is right.
    A rule without an alarm in such a silence counts with the end of the data.
    """
    customers = rows.customer.max() + 1

    def totals(values: Array) -> Array:
        return np.array([np.bincount(rows.customer, v, customers) for v in np.atleast_2d(values)])

    def raised(day: Array) -> tuple[Array, Array]:
        is_seen = (day <= rows.ends) & (day <= end - QUIET_DAYS)
        return is_seen.astype(float), (is_seen & (rows.ends - day >= QUIET_DAYS)).astype(float)

    fixed_day = rows.begins + fixed_days
    fixed, fixed_right = raised(fixed_day)
    raises, right = raised(alarms)
    gain = fixed_right * (fixed_day - np.minimum(alarms, end))
    sums = [totals(v) for v in (fixed, fixed_right, raises, right, gain)]

    def measured(weight: Array) -> tuple[float, ...]:
        of_fixed, right_of_fixed, of_rule, right_of_rule, gained = (s @ weight for s in sums)
        goal = right_of_fixed[0] / of_fixed[0]
        precision = right_of_rule / np.maximum(of_rule, 1)
        reaches = precision >= goal
        at = int(reaches.argmax()) if reaches.any() else int(precision.argmax())
        lead = gained[at] / right_of_fixed[0]
        return lead, levels[at], precision[at], goal, of_rule[at], right_of_rule[at], of_fixed[0]

    draw = np.random.default_rng(SEED)
    weights = draw.multinomial(customers, np.full(customers, 1 / customers), SAMPLES)
    low, high = np.percentile([measured(w)[0] for w in weights], [2.5, 97.5])
    lead, level, precision, goal, number, correct, of_fixed = measured(np.ones(customers))
    return {
        "lead": f"{lead:+.1f} ({low:+.1f} to {high:+.1f})",
        "level": f"{level:.4g}",
        "precision": f"{precision:.3f} / {goal:.3f}",
        "alarms": f"{number:.0f}, {correct:.0f} right / "
        f"{of_fixed:.0f}, {fixed_right.sum():.0f} right",
    }


def run(_: Any, folder: Path) -> Section:
    """The alarms on a lakehouse and on a generated company with a regular rhythm."""
    section = Section(
        "Overdue alarm against fixed days of silence",
        "Right: no purchase in the next 90 days. Models fitted on the first third of the history, "
        "alarms in silences that began later. Each rule at the lowest level with at least the "
        "precision of the fixed rule. Lead: days by which it is earlier, mean over the silences "
        "in which the fixed alarm is right, 95 % bootstrap interval by customer; a rule without "
        "an alarm counts with the end of the data. Rule / fixed rule in the last two columns.",
        ("data", "fixed rule", "rule", "days of lead", "level", "precision", "alarms"),
    )
    companies = {"Complete Journey": purchase_days(folder), "generated rhythm": regular_buyers()}
    for company, days in companies.items():
        end = int(days["day"].max()) + 1
        model = fitted(days, end // 3)
        rows = silences(days, end // 3)
        rules = {
            "overdue_percentile": (100 * SHARES, by_percentile(model, rows)),
            "P(no purchase in 90 days)": (CHANCES, by_probability(model, rows, end)),
        }
        for fixed_days in FIXED:
            for rule, (levels, alarms) in rules.items():
                values = compare(rows, levels, alarms, fixed_days=fixed_days, end=end)
                section.add(company, f"{fixed_days} days", rule, *values.values())
    return section


if __name__ == "__main__":
    write(run(None, Path(sys.argv[1])))
