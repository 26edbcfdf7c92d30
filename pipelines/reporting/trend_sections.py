"""What has changed since the last scored date, and what leaving means."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.reporting.charts import line_chart
from pipelines.reporting.report_data import MONEY, Figures, ReportData, Row, total
from runtime.formats import share

# Column of the trend -> name, whether more of it is better, worse (-1) or neither (0).
MEASURES = {
    "active": ("Active customers", 1),
    "silent": ("Silent customers", -1),
    "lost": ("Lost customers", -1),
    "leaving": ("Expected to leave", -1),
    "at_risk": ("Value at risk", -1),
}


def scored(data: ReportData) -> list[Row]:
    """The dates with scores, the oldest first, each with `leaving`, the share expected to leave."""
    return [
        row | {"leaving": share(row["probability"], row["scored"])}
        for row in data.trend
        if row.get("scored")
    ]


def change_sentence(data: ReportData) -> str:
    """How the share of customers who are expected to leave has changed."""
    dates = scored(data)
    if not dates or dates[-1]["as_of"] != data.as_of:
        return f"No customer is scored on {data.form.date(data.as_of)}, so nothing is compared."
    now, form = dates[-1], data.form
    text = (
        f"{form.percent(now['leaving'])} of the active and silent customers are expected to leave "
        f"within {form.count(data.horizon_days, 'day')}"
    )
    if len(dates) == 1:
        return f"{text}. No earlier date is scored, so there is nothing to compare with yet."
    before = dates[-2]
    points = 100 * (now["leaving"] - before["leaving"])
    if abs(points) < 0.05:
        return f"{text}, the same share as on {form.date(before['as_of'])}."
    way = "higher" if points > 0 else "lower"
    return (
        f"{text}. The share is {form.fixed(abs(points), 1)} percentage points {way} than on "
        f"{form.date(before['as_of'])}."
    )


def change(data: ReportData) -> Figures:
    """Key figures with their change since the last scored date, and the shares over all dates."""
    dates = scored(data)
    if not dates or dates[-1]["as_of"] != data.as_of:
        return None
    now, before = dates[-1], dates[-2] if len(dates) > 1 else {}
    names = [n for n in MEASURES if now.get(n) is not None and (n != "at_risk" or _is_money(data))]
    return {
        "cards": [_card(data, name, now[name], before.get(name)) for name in names],
        "since": before.get("as_of"),
        "chart": line_chart(
            "trend-chart",
            "Share of the active and silent customers who leave, by date",
            [
                ("expected to leave", [(r["as_of"], r["leaving"]) for r in dates]),
                (
                    "left",
                    [
                        (r["as_of"], r["churned"] / r["customers"])
                        for r in data.trend
                        if r.get("customers")
                    ],
                ),
            ],
            form=data.form,
        ),
    }


def _is_money(data: ReportData) -> bool:
    return data.at_risk_unit == MONEY


def _card(data: ReportData, name: str, now: float, before: float | None) -> Row:
    """A key figure, its change since the last date, and whether the change is good."""
    form, (title, good) = data.form, MEASURES[name]
    texts: dict[str, Callable[[float], str]] = {"leaving": form.percent, "at_risk": form.cash}
    text = texts.get(name, form.whole)
    if before is None:
        return {"title": title, "value": text(now), "change": "", "verdict": ""}
    difference = now - before
    told = {
        "leaving": f"{form.change(100 * difference, 1)} points",
        "at_risk": f"{'+' if difference > 0 else ''}{form.cash(difference)}",
    }.get(name, form.change(difference))
    told = told if difference else "no change"
    verdict = "better" if difference * good > 0 else "worse" if difference * good < 0 else ""
    return {"title": title, "value": text(now), "change": told, "verdict": verdict}


def returned_share(data: ReportData) -> tuple[int, float] | None:
    """(day, share): how many customers without a purchase within the horizon bought by the day.

    The latest day that is known. None: no outcome is known.
    """
    rows = [r for r in data.returns if r["horizon_days"] == data.horizon_days and r["leavers"]]
    if not rows:
        return None
    last = max(rows, key=lambda r: r["later_days"])
    return last["later_days"], last["returned"] / last["leavers"]


def leaving_sentence(data: ReportData) -> str:
    """Which part of the leavers comes back, and what that means for the value at risk."""
    if data.definition != "inactivity":
        return (
            "A customer leaves when the contract ends (churn.definition: termination). There is no "
            "second meaning."
        )
    back = returned_share(data)
    if back is None:
        return (
            f"A customer who buys nothing for {data.form.count(data.horizon_days, 'day')} has left "
            "for that time, but may come back. How many do is not known yet."
        )
    day, part = back
    text = (
        f"Who buys nothing for {data.form.count(data.horizon_days, 'day')} is often not gone: "
        f"{data.form.whole(100 * part)} of 100 such customers bought again by day {day}."
    )
    at_risk = total(data.segments, "at_risk")
    if not _is_money(data) or not at_risk:
        return text
    return (
        f"{text} So the value at risk of {data.form.cash(at_risk)} is not a loss: about "
        f"{data.form.cash(at_risk * part)} of it belongs to customers who come back by then, if "
        "they are like those of the past."
    )


def leaving(data: ReportData) -> Figures:
    """Both meanings of leaving, side by side. None: churn is the end of a contract."""
    if data.definition != "inactivity" or not data.known:
        return None
    form, leavers = data.form, total(data.segments, "probability")
    days, window = (form.count(n, "day") for n in (data.horizon_days, data.silent_days + 1))
    scored_customers = total(data.segments, "scored")
    rows = [
        (
            "Meaning",
            f"no purchase within {days}",
            f"no purchase for {window}: the customer is lost",
        ),
        (
            "Used for",
            "the risk of each customer, and so the list to contact",
            "the likely churn date, the days that a customer stays, the number of lost customers",
        ),
        (
            f"Expected in the next {days}",
            f"about {form.count(leavers, 'customer')} of {form.whole(scored_customers)}",
            _gone(data),
        ),
        ("How many come back", _back(data), _back_of_lost(data)),
    ]
    return {
        "heads": (f"Pausing: {days}", "Gone for good"),
        "rows": rows,
    }


def _gone(data: ReportData) -> str:
    gone = data.gone_for_good or {}
    if gone.get("gone_30d") is None:
        return "not known: no survival model is fitted"
    form = data.form
    return (
        f"about {form.count(gone['gone_30d'], 'customer')} within 30 days, "
        f"{form.whole(gone['gone_90d'])} within 90 days"
    )


def _back(data: ReportData) -> str:
    rows = sorted(
        (r for r in data.returns if r["horizon_days"] == data.horizon_days and r["leavers"]),
        key=lambda r: r["later_days"],
    )
    parts = [
        f"{data.form.whole(100 * r['returned'] / r['leavers'])} of 100 by day {r['later_days']}"
        for r in rows
    ]
    return ", ".join(parts) or "not known yet"


def _back_of_lost(data: ReportData) -> str:
    rows = [r for r in data.silences if r["silent_days"] == data.silent_days and r["rows"]]
    if not rows:
        return "not known yet"
    first = min(rows, key=lambda r: r["horizon_days"])
    part = data.form.whole(100 * first["returned"] / first["rows"])
    return (
        f"{part} of 100 buy again within the next {data.form.count(first['horizon_days'], 'day')}"
    )
