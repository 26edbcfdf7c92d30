"""The sentences of the contact list."""

from __future__ import annotations

import re

from pipelines.reporting.report_data import MONEY, PURCHASES, ReportData, Row, total
from runtime.feature_words import reason
from runtime.formats import plain, share
from runtime.wording import consent_unknown

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
        if data.listed_without_consent:
            said = consent_unknown(data.listed_without_consent, data.listed, "listed customers")
            text += f" {said}"
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


def effect_basis(data: ReportData) -> str:
    """Whether the effect of the listed offers is measured or assumed; empty without a plan."""
    if data.list_source is None:
        return ""
    measured = data.listed_totals["measured"]
    if measured == data.listed:
        return "The effect of the offers is measured, in campaigns with a random control group."
    assumption = data.strategies[0]["assumption"] if data.strategies else "assumed in conf"
    if not measured:
        return f"The effect of the offers is {assumption}."
    return (
        f"The effect of the offers is measured for {data.form.count(measured, 'customer')}. For "
        f"the others it is {assumption}."
    )


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
