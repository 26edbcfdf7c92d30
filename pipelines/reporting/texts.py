"""The sentences of the report: what each section shows, written from the numbers."""

from __future__ import annotations

import datetime as dt

from pipelines.reporting.contact_texts import amount, at_risk_name
from pipelines.reporting.report_data import ReportData, total
from runtime.formats import listed, share
from runtime.wording import verb

WORSE_GROUPS = ("At-risk", "Hibernating")
NEW_CUSTOMER = "New customer"


def at_a_glance(data: ReportData) -> str:
    """How many customers are known and expected to leave, and what they hold at risk."""
    form = data.form
    if not data.known:
        return (
            f"No customers are known on {form.date(data.as_of)}: gold.customer_segments has no "
            "rows for this date."
        )
    active, silent = (data.lifecycles.get(k, 0) for k in ("active", "silent"))
    leavers, scored = total(data.segments, "probability"), total(data.segments, "scored")
    if not scored:
        return (
            f"Known customers: {form.whole(data.known)}. None of them has a churn probability, "
            "because none is active or silent."
        )
    text = (
        f"{form.whole(active)} of {form.count(data.known, 'known customer')} "
        f"{verb(active, 'is', 'are')} active and {form.whole(silent)} "
        f"{verb(silent, 'is', 'are')} silent. About {form.whole(leavers)} of these "
        f"({form.percent(leavers / scored)}) {verb(round(leavers), 'is', 'are')} expected to leave "
        f"within {form.count(data.horizon_days, 'day')}."
    )
    name, at_risk = at_risk_name(data), total(data.segments, "at_risk")
    if name is None:
        return text
    of_all = {
        "value at risk": "the value that the active and silent customers have in 12 months",
        "purchases at risk": "the purchases that they are expected to make in 30 days",
    }[name]
    part = form.percent(share(at_risk, total(data.segments, "at_stake")))
    return f"{text} The {name} is {amount(data, at_risk)}, which is {part} of {of_all}."


def value(data: ReportData) -> str:
    """What the customers are worth, and how many are overdue."""
    if not data.values:
        return f"No customer is scored on {data.form.date(data.as_of)}, so nothing is known."
    form, number = data.form, total(data.values, "customers")
    overdue = (
        f"{form.whole(total(data.values, 'overdue'))} of them are overdue: they have been silent "
        "for unusually long, by their own rhythm."
    )
    customers = form.count(number, "active or silent customer")
    if not total(data.values, "valued"):
        return f"The value of the {customers} is not known. {overdue}"
    worth = form.cash(total(data.values, "clv_12m"))
    return f"The expected value of the {customers} over the next 12 months is {worth}. {overdue}"


def segments(data: ReportData) -> str:
    """The largest segment and the segment with the most at risk."""
    form = data.form
    if not data.known:
        return f"No customers are known on {form.date(data.as_of)}, so there are no segments."
    largest = max(data.segments, key=lambda r: r["customers"])
    riskiest = max(data.segments, key=lambda r: r["at_risk"])
    text = (
        f"The largest segment is {largest['segment']} with "
        f"{form.percent(share(largest['customers'], data.known))} of all customers."
    )
    name, at_risk = at_risk_name(data), total(data.segments, "at_risk")
    if name is None:
        return text
    if not at_risk:
        return f"{text} No {name.removesuffix(' at risk')} is at risk."
    part = form.percent(riskiest["at_risk"] / at_risk)
    if riskiest is largest:
        return f"{text} It also has the most {name}: {part} of the total."
    return (
        f"{text} The segment with the most {name} is {riskiest['segment']}: it has "
        f"{form.percent(share(riskiest['customers'], data.known))} of all customers and {part} of "
        f"the {name}."
    )


def moves(data: ReportData) -> str:
    """How many customers changed segment, in which direction, and the largest move."""
    form = data.form
    if not data.moves:
        return (
            f"gold.customer_segments has no date before {form.date(data.as_of)}, so moves between "
            "segments cannot be shown yet. Score an earlier date, or wait for the next run."
        )
    previous = data.moves[0]["previous_as_of"]
    known_before = [m for m in data.moves if m["from_segment"] != NEW_CUSTOMER]
    changed = [m for m in known_before if m["from_segment"] != m["to_segment"]]
    if not changed:
        return f"No customer has changed segment since {form.date(previous)}."
    worse = {name for group in WORSE_GROUPS for name in data.groups.get(group, [])}
    directions = [(m["from_segment"] in worse, m["to_segment"] in worse, m) for m in changed]
    down = total(
        [m for was_worse, is_worse, m in directions if is_worse and not was_worse], "customers"
    )
    up = total(
        [m for was_worse, is_worse, m in directions if was_worse and not is_worse], "customers"
    )
    number, of = total(changed, "customers"), total(known_before, "customers")
    part = form.percent(number / of)
    largest = max(changed, key=lambda m: m["customers"])
    return (
        f"Since {form.date(previous)}, {form.whole(number)} of {form.count(of, 'customer')} "
        f"({part}) changed segment. {form.whole(down)} moved from a better group into "
        f"{' or '.join(WORSE_GROUPS)}, and {form.whole(up)} moved from these groups into a better "
        "one. "
        f"The largest move was from {largest['from_segment']} to {largest['to_segment']} "
        f"({form.count(largest['customers'], 'customer')})."
    )


def churn_window(data: ReportData) -> str:
    """How often customers buy again after a silence, or after being labelled as churned."""
    form = data.form
    if data.definition != "inactivity":
        return (
            "Churn is the end of a contract here (churn.definition: termination). No period "
            "without purchases defines it, so there is nothing to check."
        )
    silent = [r for r in data.silences if r["silent_days"] > 0 and r["rows"]]
    if not silent:
        return (
            f"No past date has a known outcome by {form.date(data.as_of)}, so returning customers "
            "cannot be counted yet."
        )
    shortest = min(r["horizon_days"] for r in silent)
    soonest = [r for r in silent if r["horizon_days"] == shortest]
    told = [r for r in soonest if r["silent_days"] in (data.horizon_days, data.silent_days)]
    parts = [
        f"{form.percent(share(r['returned'], r['rows']), 0)} after more than "
        f"{form.count(r['silent_days'], 'day')} without a purchase"
        for r in told or soonest
    ]
    text = (
        f"Share of customers who buy again within {form.count(shortest, 'day')}: {listed(parts)}."
    )
    return f"{text} {_wrong_labels(data)}".strip()


def _wrong_labels(data: ReportData) -> str:
    """The share of churned customers who bought again later, per horizon, and a comparison."""
    form = data.form
    rows = [(r, r["returned"] / r["leavers"]) for r in data.returns if r["leavers"]]
    if not rows:
        return ""
    text = " ".join(
        f"Of the customers counted as churned after {form.count(r['horizon_days'], 'day')}, "
        f"{form.percent(part, 0)} bought again by day {r['later_days']}."
        for r, part in rows
    )
    if len(rows) == 1:
        return text
    (short, short_share), (long, long_share) = rows[0], rows[-1]
    later = long["horizon_days"] - short["horizon_days"]
    if long_share < short_share:
        return (
            f"{text} The longer period has a lower error rate, but its result is known "
            f"{form.count(later, 'day')} later."
        )
    return f"{text} The longer period does not have a lower error rate."


def rfm_misses(data: ReportData) -> str:
    """Share of customers in safe segments who left, share of lost ones who returned, and scores."""
    form = data.form
    if data.tested_as_of is None or not data.tested:
        return (
            "No earlier date has both segments and known outcomes, so the errors of the RFM "
            f"segments cannot be counted. To see them, score a date "
            f"{form.count(data.horizon_days + data.lead_days, 'day')} before "
            f"{form.date(data.as_of)} or earlier."
        )
    safe = [r for r in data.tested if r["segment"] in data.safe_segments]
    lost = [r for r in data.tested if r["lifecycle"] == "lost"]
    left, back = total(safe, "churned"), total(lost, "customers") - total(lost, "churned")
    of_safe, of_lost = total(safe, "customers"), total(lost, "customers")
    text = (
        f"Of {form.count(of_safe, 'customer')} in a safe segment on "
        f"{form.date(data.tested_as_of)}, {form.whole(left)} "
        f"({form.percent(share(left, of_safe))}) left within "
        f"{form.count(data.horizon_days, 'day')}. "
        f"Of {form.count(of_lost, 'customer')} classified as lost, {form.whole(back)} "
        f"({form.percent(share(back, of_lost))}) came back."
    )
    known_left = share(total(safe, "p_left"), total(safe, "scored_left"))
    known_stayed = share(total(safe, "p_stayed"), total(safe, "scored_stayed"))
    if known_left is None or known_stayed is None:
        return text
    return (
        f"{text} In the safe segments, the average churn probability on that date was "
        f"{form.percent(known_left)} for customers who left and {form.percent(known_stayed)} for "
        "customers who stayed."
    )


def about(data: ReportData) -> str:
    """The rows that ingest kept, quarantined, dropped and left out."""
    form = data.form
    if not data.sources:
        return "No data load has been logged for this lakehouse."
    rows, kept, quarantined, duplicate, left_out = (
        total(data.sources, f"rows_{k}")
        for k in ("in", "kept", "quarantined", "duplicate", "left_out")
    )
    rejected = f"{form.whole(quarantined)} ({form.percent(share(quarantined, rows), 2)})"
    text = (
        f"{form.count(len(data.sources), 'source')} delivered {form.count(rows, 'row')}: "
        f"{form.whole(kept)} {verb(kept, 'was', 'were')} kept, {rejected} "
        f"{verb(quarantined, 'was', 'were')} quarantined, and {form.whole(duplicate)} "
        f"{verb(duplicate, 'was', 'were')} dropped as exact duplicates."
    )
    if not left_out:
        return text
    return f"{text} {form.count(left_out, 'row')} {verb(left_out, 'was', 'were')} left out by conf."


def churn_meaning(data: ReportData, date: dt.date) -> str:
    """The event that a churn probability of this date predicts."""
    form = data.form
    event = "no purchase" if data.definition == "inactivity" else "end of the contract"
    lead = ""
    if data.lead_days:
        lead = f", starting {form.count(data.lead_days, 'day')} after {form.date(date)}"
    return f"{event} within {form.count(data.horizon_days, 'day')}{lead}"
