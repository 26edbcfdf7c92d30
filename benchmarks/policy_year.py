"""A year of weekly decisions in 20 simulated companies: the product's policy against others.

Each company starts without any campaign. The policy runs experiments, estimates the effects of the
offers from its own contacts, and plans. Nothing was tuned on these companies: schedule and sizes
were chosen on companies 1001 and 1002.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Section
from benchmarks.year_chart import standalone_svg
from benchmarks.year_company import ARMS, WEEKS, Company, Floats
from benchmarks.year_learning import ESTIMATES, EXPERIMENTS, Learning
from benchmarks.year_policies import (
    WEEKLY_SHARE,
    BestOfColumns,
    MassMailing,
    Oracle,
    Policy,
    gain_trees,
    sampled_gains,
)
from benchmarks.year_rules import Rules
from models.tree_ensemble import TreeEnsemble
from pipelines.reporting.charts import bar_chart
from runtime.formats import LocaleFormat
from simulator import world as w


def _listed(weeks: Sequence[int]) -> str:
    return ", ".join(map(str, weeks))


# These seeds are used nowhere else.
SEEDS, CUSTOMERS = tuple(range(401, 421)), 3_000
# Companies have the same distributions of traits, and differ in their draws. So one company with 50
# times as many customers shows the effects of all of them.
TEACHER, TIMES = 400, 50
CHUNK, WORKERS = 3_000, 2
FIXED_SHARE = 0.1  # decisions.hold_out_share of conf/defaults.yaml
MONTHS, JUDGED = 12, slice(9, 12)
GOAL, ABOVE = 0.85, 18
SAMPLES = 10_000
ORACLE, BEST, MASS = "oracle", "best of columns", "mass mailing"
LEARNED = ("rules, adaptive hold-out", "rules, fixed hold-out", "experiments")
NAMES = (ORACLE, BEST, *LEARNED, MASS)
COLUMNS = (
    "policy",
    "profit of months 10 to 12",
    "median score",
    "contacts of the year",
    "redeemed per contact",
    "churn prevented per contact",
)
TITLE = "A year of decisions against the best policy of the columns"
HOW = (
    f"Simulated companies {SEEDS[0]} to {SEEDS[-1]} with {CUSTOMERS:,} customers each, {WEEKS} "
    f"weekly decisions, at most {WEEKLY_SHARE:.0%} of the active and silent customers per week "
    "(mass mailing: no budget). Profit in currency, exact given the hidden state: (prevented churn "
    "x revenue per year) - cost. Score: profit of months 10 to 12 over that of `best of columns`, "
    f"which was fitted on the true gains of {TIMES} times as many customers; sending nothing has a "
    "profit of 0. `rules`: the effect that conf assumes, corrected by the control groups. "
    f"`experiments`: random offers in weeks {_listed(EXPERIMENTS)}, and estimates in weeks "
    f"{_listed(ESTIMATES)}, with the settings of conf/simulated.yaml. Fixed hold-out: "
    f"{FIXED_SHARE:.0%}. Mean or median over the companies with a 95 % bootstrap interval. "
    "Regret: per month, mean over the companies."
)
CHART_TITLE = "Profit of months 10 to 12, as a share of the best policy of the columns"
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "policy_year.svg"


@dataclass(frozen=True)
class Year:
    """One year of one company under one policy: arrays with one entry per month.

    profit: currency. contacts: offers sent. redeemed, prevented: expected redemptions and
    churn prevented by the offers. All are expectations given the hidden state, so without noise.
    """

    profit: Floats
    contacts: Floats
    redeemed: Floats
    prevented: Floats


def lived(seed: int, policy: Policy) -> Year:
    """One year of a company under a policy."""
    company = Company.begun(w.World(seed, CUSTOMERS), np.arange(CUSTOMERS))
    sums = np.zeros((4, MONTHS))
    for week in range(WEEKS):
        truth = company.truth()
        decision = policy.decide(company, truth)
        rows = np.flatnonzero((decision.arm > 0) & ~decision.held)
        at = (rows, decision.arm[rows] - 1)
        sums[:, week * MONTHS // WEEKS] += [
            truth.gain[at].sum(),
            len(rows),
            truth.redeemed[at].sum(),
            truth.effect[at].sum(),
        ]
        company.live_a_week(decision.arm, decision.held)
    return Year(*sums)


def policies(trees: Mapping[int, TreeEnsemble]) -> dict[str, Policy]:
    """The policies that are compared, by name; each starts without knowledge of its company."""
    return dict(
        zip(
            NAMES,
            (
                Oracle(),
                BestOfColumns(trees),
                Rules(None),
                Rules(FIXED_SHARE),
                Learning(FIXED_SHARE),
                MassMailing(),
            ),
            strict=True,
        )
    )


def years_of(seed: int, trees: Mapping[int, TreeEnsemble]) -> dict[str, Year]:
    """The years of a company under each policy."""
    return {name: lived(seed, policy) for name, policy in policies(trees).items()}


def taught(pool: ProcessPoolExecutor) -> dict[int, TreeEnsemble]:
    """Trees that predict the gain per unit of value of each arm from the columns."""
    customers = TIMES * CUSTOMERS
    chunks = [np.arange(k, min(k + CHUNK, customers)) for k in range(0, customers, CHUNK)]
    parts = pool.map(sampled_gains, [TEACHER] * len(chunks), chunks, [customers] * len(chunks))
    rows = pd.concat(parts, ignore_index=True)
    arms = range(1, len(ARMS) + 1)
    return dict(zip(arms, pool.map(gain_trees, [rows] * len(ARMS), arms), strict=True))


def of_companies(seeds: Sequence[int]) -> dict[str, list[Year]]:
    """The years of all companies by policy, in the order of the seeds."""
    with ProcessPoolExecutor(WORKERS) as pool:
        trees = taught(pool)
        lives = list(pool.map(years_of, seeds, [trees] * len(seeds)))
    return {name: [years[name] for years in lives] for name in NAMES}


def interval(values: Floats, statistic: Callable[..., Floats] = np.mean) -> tuple[Floats, Floats]:
    """95 % percentile bootstrap interval over companies (the first axis)."""
    draw = np.random.default_rng(SEEDS[0])
    rows = draw.integers(0, len(values), (SAMPLES, len(values)))
    low, high = np.percentile(statistic(values[rows], axis=1), [2.5, 97.5], axis=0)
    return low, high


def told(values: Floats, form: str = ".2f", statistic: Callable[..., Floats] = np.mean) -> str:
    """The statistic with its interval over companies."""
    low, high = interval(values, statistic)
    return f"{statistic(values, axis=0):{form}} ({low:{form}} to {high:{form}})"


def judged(years: Sequence[Year]) -> Floats:
    """The profit of the last three months per company."""
    return np.array([year.profit[JUDGED].sum() for year in years])


def scores(years: Mapping[str, Sequence[Year]], name: str) -> Floats:
    """Profit of the last three months over that of the best policy of the columns, per company.

    Sending nothing has a profit of 0, so it need not be subtracted.
    """
    return judged(years[name]) / judged(years[BEST])


def per_contact(years: Sequence[Year], what: str) -> Floats:
    """Redemptions or prevented churn per contact of the year, per company."""
    return np.array([getattr(y, what).sum() / max(y.contacts.sum(), 1.0) for y in years])


def run(spark: Any, folder: Path) -> Section:
    """Live the years of all companies and compare the policies. Uses no Spark."""
    section = Section(TITLE, HOW, COLUMNS)
    years = of_companies(SEEDS)
    for name in NAMES:
        section.add(
            name,
            told(judged(years[name]), ",.0f"),
            told(scores(years, name), ".2f", np.median),
            told(np.array([y.contacts.sum() for y in years[name]]), ",.0f"),
            told(per_contact(years[name], "redeemed"), ".1%"),
            told(per_contact(years[name], "prevented"), ".1%"),
        )
    for name in (BEST, *LEARNED):
        for other in (ORACLE, BEST):
            if name != other:
                regret = monthly(years[other], years[name])
                section.add(f"{name}: regret against {other}", regret, *[""] * 4)
    for name in LEARNED:
        tell_goals(section, years, name)
    claimed = {"personalised 12 to 18 %": LEARNED[0], "mass mailing 2 to 4 %": MASS}
    for claim, name in claimed.items():
        said = told(per_contact(years[name], "redeemed"), ".1%")
        section.verdicts.append(f"Often claimed, conversion of {claim}: {name} measures {said}")
    write_chart(years)
    return section


def monthly(better: Sequence[Year], years: Sequence[Year]) -> str:
    """Regret per month: mean over companies, in currency."""
    regret = np.array([b.profit - y.profit for b, y in zip(better, years, strict=True)])
    return " ".join(f"{value:,.0f}" for value in regret.mean(axis=0))


def tell_goals(section: Section, years: Mapping[str, Sequence[Year]], name: str) -> None:
    """Add the goals of a policy to the section."""
    section.reach(f"{name}: median score", float(np.median(scores(years, name))), GOAL)
    above_nothing = judged(years[name]) > 0
    above_mass = judged(years[name]) > judged(years[MASS])
    section.reach(f"{name}: companies above sending nothing", int(above_nothing.sum()), ABOVE)
    section.reach(f"{name}: companies above mass mailing", int(above_mass.sum()), ABOVE)


def write_chart(years: Mapping[str, Sequence[Year]]) -> None:
    """Write the scores as bars, to docs/images."""
    groups = []
    for name in NAMES:
        values = scores(years, name)
        groups.append((name, [(told(values, ".2f", np.median), float(np.median(values)))]))
    chart = bar_chart("policy-year", CHART_TITLE, groups, series=["median score"])
    PICTURE.write_text(standalone_svg(chart, LocaleFormat()))
