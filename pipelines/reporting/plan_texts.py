"""The sentences of the comparison of strategies."""

from __future__ import annotations

from pipelines.reporting.report_data import ReportData, Row


def plan(data: ReportData) -> str:
    """What the budget reaches, what the default strategy keeps, and the price of the next 1 %."""
    if not data.strategies:
        return f"No plan exists for {data.form.date(data.as_of)}, so strategies cannot be compared."
    form = data.form
    own = default_row(data)
    parts = [f"The budget of a plan is {budget(data)}."]
    if text := tested(data):
        parts.append(text)
    elif all(r["net_value_kept"] is None for r in data.strategies):
        parts.append(
            "What the strategies keep is not known yet: no earlier date has scores and outcomes."
        )
    if own is not None and own["next_1pct_value"] is not None:
        cost = own.get("next_1pct_cost")
        price = "" if cost is None else f" cost {form.cash(cost)} and"
        parts.append(
            f"The next 1 % of the budget would{price} keep another "
            f"{form.cash(own['next_1pct_value'])}."
        )
    return " ".join(parts)


def tested(data: ReportData) -> str:
    """What the plan's strategy and a random choice kept in the back-test; empty if not tested."""
    form, own = data.form, default_row(data)
    if own is None or own["net_value_kept"] is None:
        return ""
    limits = form.cash(own["ci_low"]), form.cash(own["ci_high"])
    is_known = own["ci_low"] is not None and own["ci_high"] is not None
    inside = f" (95 % interval {limits[0]} to {limits[1]})" if is_known else ""
    text = (
        f"In a test one period earlier the plan's strategy, {strategy_words(own['strategy'])}, "
        f"kept {form.cash(own['net_value_kept'])} after cost{inside}."
    )
    by_chance = next((r for r in data.strategies if r["strategy"] == "random"), None)
    if by_chance is None or by_chance["net_value_kept"] is None:
        return text
    return f"{text} A random choice kept {form.cash(by_chance['net_value_kept'])}."


def default_row(data: ReportData) -> Row | None:
    """The row of the strategy of plan.default_strategy; None: it was not compared."""
    return next((r for r in data.strategies if r["strategy"] == data.default_strategy), None)


def budget(data: ReportData) -> str:
    """The budget of a plan in words."""
    if data.budget.customers_share is not None:
        share_of_all = data.form.percent(data.budget.customers_share, 0)
        return f"{share_of_all} of the active and silent customers"
    return data.form.cash(data.budget.money)


STRATEGIES = {
    "churn_probability": "highest risk first",
    "p_alive": "least likely to be still a customer first",
    "expected_purchases": "fewest expected purchases first",
    "clv_at_risk": "highest value at risk first",
    "net_value": "highest gain after cost first",
    "random": "random choice",
}


def strategy_words(strategy: str) -> str:
    """The order in which a strategy chooses customers."""
    return STRATEGIES.get(strategy, strategy)


def interval(data: ReportData, row: Row) -> str:
    """The 95 % interval of net_value_kept, in brackets; empty if it is unknown."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return ""
    return f" ({data.form.money(row['ci_low'])} to {data.form.money(row['ci_high'])})"
