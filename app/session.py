"""What every page needs: settings, lakehouse, date, user and formats."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from app.data.first_list import FirstList, first_list
from app.identity import User
from app.lake import Lake
from runtime.formats import LocaleFormat
from runtime.settings import Settings

MILLION = 1_000_000


@dataclass(frozen=True)
class Session:
    """One user's view of one as_of."""

    settings: Settings
    lake: Lake
    as_of: dt.date
    user: User

    @cached_property
    def form(self) -> LocaleFormat:
        report = self.settings.report.in_currency(self.settings.currency)
        return LocaleFormat(report.locale, report.currency)

    @cached_property
    def list(self) -> FirstList:
        return first_list(self.lake, self.as_of, self.settings.plan.default_strategy)

    @property
    def horizon(self) -> int:
        return self.settings.churn.primary_horizon_days

    def card(self, label: str, amount: float | None) -> tuple[str, str]:
        """Label and text of an amount on a card, in millions where the card is too narrow."""
        if amount is None or abs(amount) < MILLION:
            return label, self.form.cash(amount)
        return f"{label}, millions", self.form.cash(amount / MILLION)

    def stake(self, amount: float | None) -> str:
        """What is at stake: an amount with currency, or purchases in a company without amounts."""
        if self.list.is_money:
            return self.form.cash(amount)
        return "-" if amount is None else f"{self.form.fixed(amount, 1)} purchases"


def dates_of(lake: Lake) -> list[dt.date]:
    """The dates with scores, newest first; at most the last 36."""
    sql = "SELECT DISTINCT as_of FROM {gold.customer_scores} ORDER BY as_of DESC"
    return [row["as_of"] for row in lake.rows(sql, most=36)]
