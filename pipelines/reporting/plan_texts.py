"""The sentences of the comparison of strategies."""

from __future__ import annotations

from pipelines.reporting.report_data import ReportData, Row


def plan(data: ReportData) -> str:
    """What the budget reaches, what the default strategy keeps, and the price of the next 1 %."""
    if not data.strategies:
        return f"No plan exists for {data.form.date(data.as_of)}, so strategies cannot be compared."
    form = data.form
    own = next((r for r in data.strategies if r["strategy"] == data.default_strategy), None)
    parts = [f"The budget of a plan is {budget(data)}."]
    judged = [r for r in data.strategies if r["net_value_kept"] is not None]
    if own is not None and own in judged:
        parts.append(
            f"In a test one period earlier the plan's strategy, {strategy_words(own['strategy'])}, "
            f"kept {form.cash(own['net_value_kept'])} after cost."
        )
        by_chance = next((r for r in judged if r["strategy"] == "random"), None)
        if by_chance is not None:
            parts.append(f"A random choice kept {form.cash(by_chance['net_value_kept'])}.")
    elif not judged:
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


def strategies(data: ReportData) -> str:
    """What the default strategy keeps, and which one keeps most, by the back-test."""
    if not data.strategies:
        return f"No plan exists for {data.form.date(data.as_of)}, so strategies cannot be compared."
    judged = [r for r in data.strategies if r["net_value_kept"] is not None]
    if not judged:
        return (
            "The strategies choose among the same customers under the same budget. What they keep "
            "is not known yet: no earlier date has scores and known outcomes."
        )
    best = max(judged, key=lambda r: (r["net_value_kept"], r["strategy"]))
    text = (
        "What each strategy would have kept one horizon earlier, under the same budget, among the "
        f"same customers. After cost, {best['strategy']} keeps most: "
        f"{data.form.money(best['net_value_kept'])}{interval(data, best)}."
    )
    own = next((r for r in judged if r["strategy"] == data.default_strategy), None)
    if own is not None and own is not best:
        kept = data.form.money(own["net_value_kept"])
        text += f" The default, {own['strategy']}, keeps {kept}{interval(data, own)}."
    return text


def interval(data: ReportData, row: Row) -> str:
    """The 95 % interval of net_value_kept, in brackets; empty if it is unknown."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return ""
    return f" ({data.form.money(row['ci_low'])} to {data.form.money(row['ci_high'])})"


def strategy_cells(data: ReportData, row: Row) -> tuple[str, ...]:
    """One row of the table of strategies: name, chosen, gross, cost, net, interval."""
    return (
        row["strategy"],
        data.form.whole(row["chosen"]),
        data.form.money(row["value_kept"]),
        data.form.money(row["cost"]),
        data.form.money(row["net_value_kept"]),
        interval(data, row).strip(" ()") or "-",
    )
