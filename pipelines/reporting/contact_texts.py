"""The sentences of the contact list and of the comparison of strategies."""

from __future__ import annotations

import re

from pipelines.reporting.formats import decimal, money, percent, plain, reason, share, whole
from pipelines.reporting.report_data import MONEY, PURCHASES, ReportData, Row, total
from runtime.wording import consent_unknown, plural

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
    return money(number) if data.at_risk_unit == MONEY else decimal(number, 1)


def first_customers(data: ReportData) -> str:
    """Where the list comes from, how many customers it has, and what they hold at risk."""
    if not data.customers:
        if data.list_source:
            return f"The plan of {data.as_of} contacts no customer with a churn probability."
        return (
            f"No customer has a churn probability on {data.as_of}, so there is nobody to contact."
        )
    if data.list_source is None:
        text = (
            f"No plan exists for {data.as_of}, so the list shows the customers with the highest "
            f"{at_risk_name(data) or 'churn probability'}. Run plan_retention to make a plan."
        )
    else:
        source = SOURCES[data.list_source].format(strategy=data.default_strategy)
        text = f"The list holds {source}: {plural(data.listed, 'customer')}"
        if data.listed > len(data.customers):
            text += f"; the first {len(data.customers)} are shown"
        text += "."
        if data.listed_without_consent:
            said = consent_unknown(data.listed_without_consent, data.listed, "listed customers")
            text += f" {said}"
    name = at_risk_name(data)
    if name is None:
        return f"{text} Neither the value of the customers nor their purchases are known."
    at_risk = total(data.segments, "at_risk")
    held = share(data.listed_at_risk, at_risk)
    part = (
        ""
        if data.list_source is None
        else (f" They hold {percent(held)} of the {name} of all active and silent customers.")
    )
    return f"{text}{part} {name.capitalize()} is {at_risk_meaning(data)}."


def risk_of(data: ReportData, customer: Row) -> str:
    """The amount at risk of a customer; empty if nothing at stake is known."""
    name = at_risk_name(data)
    if name is None or not customer["at_stake"]:
        return ""
    return f"{name} {amount(data, customer['at_risk'])} of {amount(data, customer['at_stake'])}"


def reasons(customer: Row) -> list[str]:
    """What raises the customer's risk; what the probability is where no model explains it."""
    if customer["score_basis"] in NO_MODEL:
        return [NO_MODEL[customer["score_basis"]]]
    known = [reason(f["feature"], f["value"]) for f in customer["factors"]]
    if not known and customer["why"]:
        return [customer["why"]]
    return known


def advice(data: ReportData, customer: Row) -> str:
    """What to do: the planned offer with its day, and the recommended actions.

    Where the value of the customer is known, a call that depends on it is decided.
    """
    actions = decided_call(data, customer, customer["recommended_actions"])
    if customer["offer_id"] is None:
        return plain(actions or "no action recommended")
    day = f" on {customer['send_on']}" if customer["send_on"] else ""
    offer = f"{customer['offer_id']}{day}"
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


def strategies(data: ReportData) -> str:
    """What the default strategy keeps, and which one keeps most, by the back-test."""
    if not data.strategies:
        return f"No plan exists for {data.as_of}, so strategies cannot be compared."
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
        f"{money(best['net_value_kept'])}{interval(best)}."
    )
    own = next((r for r in judged if r["strategy"] == data.default_strategy), None)
    if own is not None and own is not best:
        kept = money(own["net_value_kept"])
        text += f" The default, {own['strategy']}, keeps {kept}{interval(own)}."
    return text


def interval(row: Row) -> str:
    """The 95 % interval of net_value_kept, in brackets; empty if it is unknown."""
    if row["ci_low"] is None or row["ci_high"] is None:
        return ""
    return f" ({money(row['ci_low'])} to {money(row['ci_high'])})"


def strategy_cells(row: Row) -> tuple[str, ...]:
    """One row of the table of strategies: name, chosen, gross, cost, net, interval."""
    return (
        row["strategy"],
        whole(row["chosen"]),
        money(row["value_kept"]),
        money(row["cost"]),
        money(row["net_value_kept"]),
        interval(row).strip(" ()") or "-",
    )
