"""Why customers leave, who they are, and how far the model can be trusted."""

from __future__ import annotations

from pipelines.reporting import contact_texts, model_texts, texts
from pipelines.reporting.charts import bar_chart
from pipelines.reporting.report_data import Figures, ReportData, Row, total
from pipelines.reporting.segment_words import meaning
from runtime.feature_words import family_words, words
from runtime.formats import listed, share

REASON_WORDS = {
    "price": "Price",
    "features": "Missing features",
    "competitor": "A competitor",
    "quality": "Quality",
    "support": "Support",
    "unknown": "Unknown: they buy less, but nothing says why",
    None: "None: nothing raises the risk",
}
# Values of reason_basis where no model gave a reason.
WITHOUT_MODEL = ("cold_start", "rule")
TENTH_STEPS = (1, 2, 3, 5)
TENTHS = 10


def families(data: ReportData) -> list[Row]:
    """Families of features, the strongest first: family, share of the effect, strongest feature."""
    by_family: dict[str, list[Row]] = {}
    for row in data.drivers:  # the strongest feature first
        by_family.setdefault(row["family"], []).append(row)
    everything = total(data.drivers, "strength")
    rows = [
        {
            "family": family_words(family),
            "share": share(total(features, "strength"), everything) or 0.0,
            "feature": words(features[0]["feature"])[0],
        }
        for family, features in by_family.items()
    ]
    return sorted(rows, key=lambda row: (-row["share"], row["family"]))


def causes_sentence(data: ReportData) -> str:
    """The strongest families of features."""
    rows = families(data)
    if not rows:
        return model_texts.NO_DRIVERS
    first, *others = rows[:3]
    text = (
        "The differences between customers at high and at low risk come mostly from one thing: "
        f"{_inside(first['family'])} ({data.form.percent(first['share'], 0)} of the effect)."
    )
    if others:
        named = listed([_inside(row["family"]) for row in others])
        text += f" Next come {named}."
    return text


def _inside(text: str) -> str:
    """The text with a small first letter, for the middle of a sentence."""
    return text[:1].lower() + text[1:]


def causes(data: ReportData) -> Figures:
    """The drivers by family, and the main reasons."""
    rows = families(data)
    if not rows:
        return None
    form = data.form
    chart = bar_chart(
        "driver-chart",
        "What the churn probability depends on",
        [(r["family"], [(form.percent(r["share"], 0), r["share"])]) for r in rows],
        series=["share of the effect on the churn probabilities"],
    )
    by_reason: dict[str | None, float] = {}
    for row in data.reasons:
        if row["reason_basis"] not in WITHOUT_MODEL:
            reason = row["main_reason"]
            by_reason[reason] = by_reason.get(reason, 0) + row["customers"]
    ordered = sorted(by_reason.items(), key=lambda item: (-item[1], item[0] or "~"))
    all_of_them = sum(by_reason.values())
    reasons = [
        {
            "reason": REASON_WORDS.get(name, name),
            "customers": form.whole(number),
            "share": share(number, all_of_them),
        }
        for name, number in ordered
    ]
    return {"chart": chart, "families": rows, "reasons": reasons}


def segments(data: ReportData) -> Figures:
    """Each segment that has customers: what it means, its size, its risk and what happened."""
    if not data.known:
        return None
    form = data.form
    values = {row["segment"]: row for row in data.values}
    rows = []
    for row in data.segments:
        if not row["customers"]:
            continue
        then = [r for r in data.tested if r["segment"] == row["segment"]]
        left = share(total(then, "churned"), total(then, "customers"))
        worth = values.get(row["segment"], {})
        rows.append(
            {
                "segment": row["segment"],
                "meaning": meaning(row["segment"], data),
                "customers": form.whole(row["customers"]),
                "share": form.percent(share(row["customers"], data.known)),
                "risk": form.percent(share(row["probability"], row["scored"])),
                "left": form.percent(left),
                "worth": form.money(share(worth.get("clv_12m"), worth.get("valued"))),
            }
        )
    name, at_risk = contact_texts.at_risk_name(data), total(data.segments, "at_risk")
    bars = [
        (
            row["segment"],
            [
                (form.percent(part), part or 0.0)
                for part in (
                    share(row["customers"], data.known),
                    *([share(row["at_risk"], at_risk)] if name else []),
                )
            ],
        )
        for row in data.segments
        if row["customers"]
    ]
    series = ["share of customers", *([f"share of the {name}"] if name else [])]
    return {
        "rows": rows,
        "has_worth": bool(total(data.values, "valued")),
        "tested_on": form.date(data.tested_as_of) if data.tested else None,
        "misses": texts.rfm_misses(data),
        "chart": bar_chart("segment-chart", "Shares of the segments", bars, series=series),
    }


def tenths(data: ReportData) -> list[float]:
    """The share of all leavers in each tenth of the list by risk, the riskiest tenth first.

    From the calibration of the champion on the test date, among the active and silent customers.
    Empty: not measured.
    """
    champion = data.model
    if champion is None:
        return []
    for population in ("active_90d", "all"):
        rows = [
            model_texts.figure(
                champion, champion.name, population, metric=f"calibration_{n}_observed"
            )
            for n in range(TENTHS, 0, -1)
        ]
        rates = [row["value"] for row in rows if row and row["value"] is not None]
        if len(rates) == TENTHS and sum(rates) > 0:
            return [rate / sum(rates) for rate in rates]
    return []


def trust_sentence(data: ReportData) -> str:
    """How many leavers the first tenth of the list reaches."""
    if data.model is None:
        return model_texts.quality(data)
    reached = tenths(data)
    if not reached:
        return "How many leavers the list reaches was not measured for this model version."
    return (
        f"Call the 10 % of the customers with the highest risk, and you reach "
        f"{data.form.whole(100 * reached[0])} of 100 leavers. Calling customers at random reaches "
        f"10 of 100. Measured on {model_texts.day_of(data, data.model.tested_on)}, "
        f"which {model_texts.use_of_test(data.model)}."
    )


def trust(data: ReportData) -> Figures:
    """The leavers that the first tenths of the list reach, and the outcomes of the prediction."""
    reached = tenths(data)
    outcomes = _outcomes(data)
    if not reached and not outcomes:
        return None
    form = data.form
    groups = [
        (
            f"the {10 * step} % with the highest risk",
            [
                (f"{form.whole(100 * sum(reached[:step]))} of 100", sum(reached[:step])),
                (f"{10 * step} of 100", step / TENTHS),
            ],
        )
        for step in TENTH_STEPS
        if reached
    ]
    model = data.model
    return {
        "chart": bar_chart(
            "reach-chart",
            "How many of 100 leavers you reach",
            groups,
            series=["leavers among these customers", "among as many at random"],
        )
        if reached
        else None,
        "outcomes": outcomes,
        "day": form.date(data.tested_as_of),
        "is_trained_on": model is not None and str(data.tested_as_of) in model.trained_on,
    }


def _outcomes(data: ReportData) -> list[tuple[str, str, str, str]]:
    """The confusion matrix in words: what was predicted, what happened, how many, and of 100."""
    counts = {(r["churn_prediction"], r["churned"]): r["customers"] for r in data.outcomes}
    kinds = (
        (1, 1, "would leave", "left: the warning was right"),
        (1, 0, "would leave", "stayed: the offer was not needed"),
        (0, 1, "would stay", "left: the model missed them"),
        (0, 0, "would stay", "stayed: rightly left alone"),
    )
    rows = []
    for predicted, churned, said, happened in kinds:
        number = counts.get((predicted, churned), 0)
        of = number + counts.get((predicted, 1 - churned), 0)
        if of:
            rows.append(
                (
                    said,
                    happened,
                    data.form.whole(number),
                    f"{data.form.whole(100 * number / of)} of 100 such predictions",
                )
            )
    return rows
