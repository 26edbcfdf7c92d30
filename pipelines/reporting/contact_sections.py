"""The first sections of the report: the customers to contact, and what the budget buys."""

from __future__ import annotations

from pipelines.reporting import contact_texts, plan_texts, texts
from pipelines.reporting.charts import Chart, bar_chart
from pipelines.reporting.report_data import MONEY, Figures, ReportData, Row, total
from runtime.formats import share

CONTACTS_FILE = "report-contacts.csv"
# The file beside the page has all customers.
MOST_ON_PAGE = 10


def contacts(data: ReportData) -> Figures:
    """The first customers of the list, the totals of the whole list, and its file."""
    if not data.customers:
        return None
    return {
        "cards": _cards(data),
        "rows": [_customer(data, row) for row in data.customers[:MOST_ON_PAGE]],
        "file": CONTACTS_FILE,
        "churn_meaning": texts.churn_meaning(data, data.as_of),
        "at_risk_name": contact_texts.at_risk_name(data),
        "at_risk_meaning": contact_texts.at_risk_meaning(data),
        "has_cost": any(row["cost"] is not None for row in data.customers),
        "effect": contact_texts.effect_basis(data),
        "acquisition": contact_texts.keeping_and_acquiring(data),
    }


def _cards(data: ReportData) -> list[tuple[str, str, str]]:
    """Name, value and explanation of the totals of the list."""
    form, totals = data.form, data.listed_totals
    cards = [("Customers to contact", form.whole(data.listed), contact_texts.period(data))]
    if data.list_source is None:
        return cards
    if totals["kept"] is not None:
        cards.append(
            ("Customers kept", f"about {form.whole(totals['kept'])}", "expected by the offers")
        )
    if totals["cost"] is not None and data.at_risk_unit == MONEY:
        per_customer = form.cash(share(totals["cost"], data.listed))
        cards.append(
            ("Cost of the offers", form.cash(totals["cost"]), f"{per_customer} per customer")
        )
        cards.append(
            (
                "Value kept",
                form.cash(totals["value_kept"]),
                "of the next 12 months, before the cost",
            )
        )
    return cards


def _customer(data: ReportData, customer: Row) -> Row:
    # The riskiest level of conf's scheme has the strongest colour.
    levels = {level: "abcd"[min(place, 3)] for place, level in enumerate(data.levels)}
    return customer | {
        "level_class": levels.get(customer["risk_level"], "d"),
        "at_stake": contact_texts.amount(data, customer["at_stake"]),
        "at_risk": contact_texts.amount(data, customer["at_risk"]),
        "reasons": contact_texts.reasons(data, customer),
        "actions": contact_texts.what_to_do(data, customer).split("; "),
        "when": contact_texts.when(data, customer),
        "cost": data.form.money(customer["cost"]),
        "owner": data.report.owner(customer["segment_group"]),
    }


def plan(data: ReportData) -> Figures:
    """Each strategy under the same budget: what it keeps and costs, and the next 1 %."""
    if not data.strategies:
        return None
    form = data.form
    rows = [
        {
            "name": plan_texts.strategy_words(row["strategy"]),
            "is_default": row["strategy"] == data.default_strategy,
            "chosen": form.whole(row["chosen"]),
            "covered": form.percent(row["value_at_stake_covered"], 0),
            "cost": form.money(row["cost"]),
            "net": form.money(row["net_value_kept"]),
            "interval": plan_texts.interval(data, row).strip(" ()") or "-",
            "next_value": form.money(row["next_1pct_value"]),
            "next_cost": form.money(row.get("next_1pct_cost")),
        }
        for row in data.strategies
    ]
    return {"rows": rows, "at_risk_name": contact_texts.at_risk_name(data)}


def value(data: ReportData) -> Figures:
    """What the active and silent customers are worth, and when they buy next."""
    if not data.values:
        return None
    form, valued = data.form, total(data.values, "valued")
    customers, worth = total(data.values, "customers"), total(data.values, "clv_12m")
    of_money = [
        ("Value of the next 12 months", form.cash(worth), "expected, all customers"),
        (
            "Per customer",
            form.cash(share(worth, valued)),
            f"average of {form.count(valued, 'customer')}",
        ),
    ]
    of_purchases = [
        (
            "Buy again within 30 days",
            form.whole(total(data.values, "due")),
            f"of {form.whole(customers)}, by the expected day of the next purchase",
        ),
        (
            "Overdue",
            form.whole(total(data.values, "overdue")),
            "silent for longer than 90 % of their own gaps between purchases",
        ),
    ]
    return {
        "cards": [*(of_money if valued else []), *of_purchases],
        "chart": _value_chart(data) if valued else None,
    }


def _value_chart(data: ReportData) -> Chart:
    """The value of each segment."""
    by_segment = {row["segment"]: row for row in data.values if row["valued"]}
    bars = [
        (name, [(data.form.cash(row["clv_12m"]), row["clv_12m"] or 0.0)])
        for name in data.segment_order
        if (row := by_segment.get(name))
    ]
    title = "Value of the next 12 months by segment"
    return bar_chart("value-chart", title, bars, series=["value of the next 12 months"])
