"""The sentences of the contact list and of the comparison of strategies."""

from __future__ import annotations

import re

from pipelines.reporting.feature_words import reason
from pipelines.reporting.formats import plain, share
from pipelines.reporting.report_data import MONEY, PURCHASES, ReportData, Row, total

# Unit of what a customer risks -> name, and how it is computed.
AT_RISK = {
    MONEY: (
        "value at risk",
        "the churn probability times the value of the next 12 months if the customer stays",
    ),
    PURCHASES: (
        "purchases at risk",
        "the churn probability times the expected purchases of the next 30 days",
    ),
}
SOURCES = {
    "offer_decisions": "the offers that are sent (gold.offer_decisions)",
    "retention_plan": "the customers chosen by the strategy {strategy} (gold.retention_plan)",
}
# Where no model explains the probability, the row says what it is.
NO_MODEL = {
    "cold_start": "known for too few days for the model, so the probability is the average of new "
    "customers",
    "rule": "no model is in use, so the probability is the churn rate of customers with as many "
    "days since the last purchase",
}
PLANNED_OFFER = re.compile(r"the planned offer")
# The condition of an action of the risk level (risk.level_actions, risk.call_above in conf).
CALL_IF = re.compile(r",? call if worth more than ([\d,]+(?:\.\d+)?)")


def at_risk_name(data: ReportData) -> str | None:
    """What a customer at risk is counted in; None: neither values nor purchases are known."""
    return AT_RISK[data.at_risk_unit][0] if data.at_risk_unit in AT_RISK else None


def at_risk_meaning(data: ReportData) -> str:
    """How the amount at risk is computed."""
    return AT_RISK[data.at_risk_unit][1] if data.at_risk_unit in AT_RISK else ""


def amount(data: ReportData, number: float | None) -> str:
    """An amount at risk: money, or purchases with one decimal."""
    if data.at_risk_unit not in AT_RISK:
        return "-"
    return data.form.money(number) if data.at_risk_unit == MONEY else data.form.decimal(number, 1)


def first_customers(data: ReportData) -> str:
    """Where the list comes from, how many customers it has, and what they hold at risk."""
    if not data.customers:
        return nobody(data)
    if data.list_source is None:
        text = without_plan(data)
    else:
        source = SOURCES[data.list_source].format(strategy=data.default_strategy)
        text = f"The list holds {source}: {data.form.count(data.listed, 'customer')}"
        if data.listed > len(data.customers):
            text += f"; the first {len(data.customers)} are shown"
        text += "."
    name = at_risk_name(data)
    if name is None:
        return f"{text} Neither the value of the customers nor their purchases are known."
    at_risk = total(data.segments, "at_risk")
    held = share(data.listed_totals["at_risk"], at_risk)
    part = (
        ""
        if data.list_source is None
        else (
            f" They hold {data.form.percent(held)} of the {name} of all active and silent "
            "customers."
        )
    )
    return f"{text}{part} {name.capitalize()} is {at_risk_meaning(data)}."


def nobody(data: ReportData) -> str:
    """Why the list has no customers."""
    day = data.form.date(data.as_of)
    if data.list_source:
        return f"The plan of {day} contacts no customer with a churn probability."
    return f"No customer has a churn probability on {day}, so there is nobody to contact."


def without_plan(data: ReportData) -> str:
    """What the list shows where no plan exists."""
    return (
        f"No plan exists for {data.form.date(data.as_of)}, so the list shows the customers with "
        f"the highest {at_risk_name(data) or 'churn probability'}. Run plan_retention to make a "
        "plan."
    )


def contacts(data: ReportData) -> str:
    """What to do, what it costs, and what it is expected to keep."""
    if not data.customers:
        return nobody(data)
    if data.list_source is None:
        return without_plan(data)
    form, totals = data.form, data.listed_totals
    text = f"Contact {form.count(data.listed, 'customer')} {period(data)}."
    if totals["cost"] is None or totals["value_kept"] is None or data.at_risk_unit != MONEY:
        return text
    net = totals["value_kept"] - totals["cost"]
    return (
        f"{text} Their offers cost {form.cash(totals['cost'])} and are expected to keep "
        f"{form.cash(totals['value_kept'])} of the purchases of the next 12 months: "
        f"{form.cash(net)} after cost."
    )


def period(data: ReportData) -> str:
    """The days on which the offers of the list are sent."""
    first, last = data.listed_totals.get("first_on"), data.listed_totals.get("last_on")
    if first is None:
        return "of the list"
    if first == last:
        return f"on {data.form.date(first)}"
    return f"from {data.form.date(first)} to {data.form.date(last)}"


def keeping_and_acquiring(data: ReportData) -> str:
    """The cost of keeping a customer, beside that of winning a new one if conf gives it."""
    cost = share(data.listed_totals.get("cost"), data.listed_totals.get("kept"))
    if cost is None or data.at_risk_unit != MONEY:
        return ""
    text = f"Keeping one customer costs about {data.form.cash(cost)}"
    new = data.report.acquisition_cost
    return f"{text}." if new is None else f"{text}. Winning a new one costs {data.form.cash(new)}."


def risk_of(data: ReportData, customer: Row) -> str:
    """The amount at risk of a customer; empty if nothing at stake is known."""
    name = at_risk_name(data)
    if name is None or not customer["at_stake"]:
        return ""
    return f"{name} {amount(data, customer['at_risk'])} of {amount(data, customer['at_stake'])}"


def reasons(data: ReportData, customer: Row) -> list[str]:
    """What raises the customer's risk; what the probability is where no model explains it."""
    if customer["score_basis"] in NO_MODEL:
        return [NO_MODEL[customer["score_basis"]]]
    # Two features may say the same, such as purchases in 30 days as a count and per day.
    said = [reason(f["feature"], f["value"], data.form) for f in customer["factors"]]
    known = list(dict.fromkeys(said))
    if not known and customer["why"]:
        return [customer["why"]]
    return known


def advice(data: ReportData, customer: Row) -> str:
    """What to do: the planned offer with its day, and the recommended actions."""
    day = f" on {data.form.date(customer['send_on'])}" if customer["send_on"] else ""
    return _advice(data, customer, f"{customer['offer_id']}{day}")


def what_to_do(data: ReportData, customer: Row) -> str:
    """As `advice`, without the day, and with what the offer promises in place of its name."""
    terms = data.offer_terms.get(customer["offer_id"], customer["offer_id"])
    return _advice(data, customer, f"the offer “{terms}”")


def when(data: ReportData, customer: Row) -> str:
    """The day on which the offer is sent."""
    return data.form.date(customer["send_on"])


def _advice(data: ReportData, customer: Row, offer: str) -> str:
    """The actions with the offer. Where the customer's value is known, a call is decided."""
    actions = decided_call(data, customer, customer["recommended_actions"])
    if customer["offer_id"] is None:
        return plain(actions or "no action recommended")
    if actions and PLANNED_OFFER.search(actions):
        return plain(PLANNED_OFFER.sub(lambda _: offer, actions))
    return plain("; ".join([f"Send {offer}", *([actions] if actions else [])]))


def decided_call(data: ReportData, customer: Row, actions: str | None) -> str | None:
    """The actions with the call stated or left out, by the customer's value of 12 months."""
    condition = CALL_IF.search(actions or "")
    stake = customer["at_stake"]
    if not actions or condition is None or stake is None or data.at_risk_unit != MONEY:
        return actions
    is_worth_it = stake > float(condition[1].replace(",", ""))
    return actions.replace(condition[0], " and call" if is_worth_it else "")


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
