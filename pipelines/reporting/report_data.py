"""The data of the report, as plain Python values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runtime.formats import LocaleFormat
from runtime.settings.decisions import BudgetSettings
from runtime.settings.report import ReportSettings

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Row = dict[str, Any]
# What the template of a section shows. None: the section has no data.
Figures = dict[str, Any] | None

# What a customer at risk is counted in: 12-month value (currency), expected purchases in a company
# without amounts, or nothing.
MONEY, PURCHASES, NOTHING = "money", "purchases", "nothing"
# Customers in segments of these groups count as safe.
SAFE_GROUPS = ("High-value", "Loyal")
# At most this many reasons for quarantine are reported.
MOST_QUARANTINE_REASONS = 20


@dataclass(frozen=True)
class ModelData:
    """The champion model, and its test metrics with those of the baselines."""

    name: str
    version: str
    trained_on: tuple[str, ...]
    tested_on: str
    promotion: str
    figures: list[Row]


@dataclass(frozen=True)
class ReportData:
    """Everything that the pages and the summary show.

    An empty list or None means that the lake has no such data; the report then says so. `customers`
    are the first of the `listed` customers of the contact list; list_source is its table, None
    where no plan exists. `listed_totals` is the row of `first_list.list_totals`.
    """

    env: str
    root: str
    code: str
    as_of: dt.date
    time_zone: str
    horizon_days: int
    lead_days: int
    definition: str
    rfm_days: int
    active_days: int
    silent_days: int
    groups: dict[str, list[str]]
    levels: list[str]
    # measurement.mismatch_p_value in conf.
    mismatch_p_value: float
    budget: BudgetSettings
    report: ReportSettings
    # segments.rules in conf, and what each offer of conf/offers.yaml promises.
    segment_rules: list[Row] = field(default_factory=list)
    offer_terms: dict[str, str] = field(default_factory=dict)
    # When the scores were written, the last purchase before as_of, and when a file last arrived.
    scored_at: dt.datetime | None = None
    last_purchase_at: dt.datetime | None = None
    loaded_at: dt.datetime | None = None
    tables: list[Row] = field(default_factory=list)
    lifecycles: dict[str, int] = field(default_factory=dict)
    origins: list[Row] = field(default_factory=list)
    at_risk_unit: str = NOTHING
    list_source: str | None = None
    listed: int = 0
    listed_totals: Row = field(default_factory=dict)
    # Customers of the list who are not contacted, because their consent is unknown.
    listed_without_consent: int = 0
    customers: list[Row] = field(default_factory=list)
    default_strategy: str = ""
    strategies: list[Row] = field(default_factory=list)
    segments: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    model: ModelData | None = None
    # Why no learner became champion, if none is better than chance.
    no_signal: str = ""
    drivers: list[Row] = field(default_factory=list)
    # Rows of transforms.report_trend: by as_of, by segment, by reason.
    trend: list[Row] = field(default_factory=list)
    values: list[Row] = field(default_factory=list)
    reasons: list[Row] = field(default_factory=list)
    gone_for_good: Row | None = None
    silences: list[Row] = field(default_factory=list)
    returns: list[Row] = field(default_factory=list)
    tested_as_of: dt.date | None = None
    tested: list[Row] = field(default_factory=list)
    # Customers by churn_prediction and churned, on tested_as_of.
    outcomes: list[Row] = field(default_factory=list)
    sources: list[Row] = field(default_factory=list)
    quarantined: list[Row] = field(default_factory=list)
    campaigns: list[Row] = field(default_factory=list)

    @property
    def form(self) -> LocaleFormat:
        """The formats of report.locale and report.currency in conf."""
        return LocaleFormat(self.report.locale, self.report.currency)

    @property
    def segment_order(self) -> list[str]:
        """All segments in the order of the groups in conf, from best to worst."""
        return [name for names in self.groups.values() for name in names]

    @property
    def safe_segments(self) -> list[str]:
        return [name for group in SAFE_GROUPS for name in self.groups.get(group, [])]

    @property
    def known(self) -> int:
        """The number of known customers."""
        return sum(self.lifecycles.values())


def total(rows: Iterable[Row], name: str) -> float:
    """The sum of a column; null counts as 0."""
    return sum(r[name] or 0 for r in rows)


def sorted_rows(frame: DataFrame, *keys: str) -> list[Row]:
    """A small frame as dictionaries, sorted by the keys, nulls first.

    A "-" before a key sorts numbers in descending order.
    """
    # The caller limits the number of rows and states the limit in a comment.
    rows = [r.asDict() for r in frame.collect()]
    return sorted(rows, key=lambda row: [_sort_value(row, key) for key in keys])


def _sort_value(row: Row, key: str) -> tuple[bool, Any]:
    value = row[key.removeprefix("-")]
    if value is None:
        return False, 0
    return True, -value if key.startswith("-") else value
