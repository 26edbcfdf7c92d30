"""Sentences and numbers about the model: its quality, its drivers and the origin of the scores."""

from __future__ import annotations

import datetime as dt

from pipelines.reporting.contact_texts import NO_MODEL
from pipelines.reporting.report_data import ModelData, ReportData, Row, total
from runtime.feature_words import words
from runtime.formats import LocaleFormat, listed, share

RFM = "rfm_logistic"
BASELINES = ("recency_only", RFM, "everyone_stays")
NO_DRIVERS = (
    "No risk factors are available. Scores from a rule and scores of new customers have none."
)


def figure(model: ModelData, name: str, population: str, *, metric: str) -> Row | None:
    """One test metric of one model with its interval."""
    for row in model.figures:
        if (row["model_name"], row["population"], row["metric"]) == (name, population, metric):
            return row
    return None


def quality(data: ReportData) -> str:
    """How often the champion ranks a leaver above a stayer, compared with the baselines."""
    champion = data.model
    if champion is None and data.no_signal:
        return (
            f"There is no champion model: {data.no_signal}. The scores are therefore past churn "
            "rates: the share of customers with an equally long time since the last purchase who "
            "left (score_basis: rule)."
        )
    if champion is None:
        return (
            "There is no champion model: no model was trained, or none was better than the days "
            "since the last purchase alone. The scores are therefore past churn rates: the share "
            "of customers with an equally long time since the last purchase who left "
            "(score_basis: rule)."
        )
    own = figure(champion, champion.name, "all", metric="roc_auc")
    if own is None or own["value"] is None:
        return f"No test results are available for {champion.name} version {champion.version}."
    test = f"The test date {day_of(data, champion.tested_on)} {use_of_test(champion)}."
    return (
        "Take one customer who left and one who stayed: "
        f"{champion.name} gives the customer who left the higher churn probability in "
        f"{data.form.percent(own['value'])} of such pairs{_baselines(data, champion, own)} {test}"
        f"{_new_customers(data)}"
    )


def use_of_test(champion: ModelData) -> str:
    """Whether the model was trained on its test date."""
    was_seen = champion.tested_on in champion.trained_on
    return f"was {'also' if was_seen else 'not'} used for training"


def day_of(data: ReportData, text: str) -> str:
    """A date of the model's metadata, which holds texts."""
    try:
        return data.form.date(dt.date.fromisoformat(text))
    except ValueError:
        return text or "an unknown date"


def _baselines(data: ReportData, champion: ModelData, own: Row) -> str:
    """The baselines from best to worst, and the paired difference to rfm_logistic."""
    others = [
        r
        for r in champion.figures
        if (r["population"], r["metric"]) == ("all", "roc_auc")
        and r["model_name"] in BASELINES
        and r["value"] is not None
    ]
    if not others:
        return "."
    others.sort(key=lambda r: (-r["value"], r["model_name"]))
    named = [f"{r['model_name']} in {data.form.percent(r['value'])}" for r in others]
    return f", {listed(named)}.{_against_rfm(data.form, champion)}"


# Metric -> words and digits of its difference to rfm_logistic.
DIFFERENCES = {
    "roc_auc": ("ROC AUC", 4),
    "log_loss": ("log loss (lower is better)", 4),
    "lift_at_10": ("lift in the top 10 %", 2),
}


def _against_rfm(form: LocaleFormat, champion: ModelData) -> str:
    """The difference to rfm_logistic among the scored customers, and whether it may be chance."""
    name, dates, rows = _rfm_rows(champion)
    verdict = verdict_against_rfm(champion)
    if not verdict:
        return ""
    told = [_difference(form, *DIFFERENCES[metric], row=row) for metric, row in rows.items() if row]
    return (
        f" On the same active and silent customers{dates}, {name} differs from rfm_logistic by "
        f"{listed(told)}. {verdict}"
    )


def verdict_against_rfm(champion: ModelData) -> str:
    """Whether the model is better than rfm_logistic beyond chance; empty if not compared."""
    name, _, rows = _rfm_rows(champion)
    gain = rows["roc_auc"]
    if gain is None or gain["ci_low"] is None:
        return ""
    if gain["ci_low"] > 0:
        return f"{name} is better beyond chance."
    if champion.name == RFM:
        return f"The difference may be due to chance, so {RFM}, the simpler model, is used."
    return "The difference may be due to chance."


def _rfm_rows(champion: ModelData) -> tuple[str, str, dict[str, Row | None]]:
    """The model that is compared with rfm_logistic, the dates in words, the row of each metric."""
    mean = "_mean"
    compared = [
        r["model_name"]
        for r in champion.figures
        if r["metric"] == f"roc_auc_against_{RFM}{mean}" and r["population"] == "active_90d"
    ]
    name = champion.name
    if name == RFM and compared:
        # The difference of a learner that rfm_logistic was preferred to.
        name = compared[0]
    dates = ", as the mean of the last test dates" if name in compared else ""
    rows = {
        metric: figure(
            champion,
            name,
            "active_90d",
            metric=f"{metric}_against_{RFM}{mean if dates else ''}",
        )
        for metric in DIFFERENCES
    }
    return name, dates, rows


def _difference(form: LocaleFormat, words_of: str, digits: int, *, row: Row) -> str:
    """The metric, its difference with sign, and the 95 % interval."""
    value, *ends = (row["value"], row["ci_low"], row["ci_high"])
    if value is None or None in ends:
        return f"{words_of} unknown"
    low, high = (form.change(end, digits) for end in ends)
    return f"{words_of} {form.change(value, digits)} ({low} to {high})"


def drivers(data: ReportData) -> str:
    """The features with the largest effect on churn probabilities."""
    if not data.drivers:
        return NO_DRIVERS
    first, *others = data.drivers[:3]
    effect = share(first["strength"], total(data.drivers, "strength"))
    raised = data.form.percent(share(first["raised"], first["customers"]), 0)
    text = (
        "The feature with the largest effect on the churn probability is: "
        f"{words(first['feature'])[0]} ({data.form.percent(effect, 0)} of the effect). Where it is "
        f"one of a customer's five strongest factors, it raises the risk in {raised} of the cases."
    )
    if others:
        text += f" Next: {listed([words(r['feature'])[0] for r in others])}."
    return text


def _new_customers(data: ReportData) -> str:
    """The customers that are too new for the model; empty without any."""
    number = total((r for r in data.origins if r["score_basis"] == "cold_start"), "customers")
    if not number:
        return ""
    customers = data.form.count(number, "customer")
    return f" {customers}: {NO_MODEL['cold_start']} (score_basis: cold_start)."


def origin(data: ReportData) -> str:
    """The number of scores per model or rule."""
    parts = []
    for row in data.origins:
        model = f"{row['model_name']} version {row['model_version']}"
        basis = {
            "cold_start": "the cold-start base rate (new customers)",
            "rule": "the rule on days since the last purchase",
        }.get(row["score_basis"], model)
        parts.append(f"{data.form.count(row['customers'], 'score')} from {basis}")
    return listed(parts) if parts else "no scores"


def value_and_interval(form: LocaleFormat, row: Row | None) -> tuple[str, tuple[str, ...]]:
    """A metric and the ends of its interval; no ends if no interval was computed."""
    if row is None or row["value"] is None:
        return "-", ()
    digits = 2 if row["metric"].startswith("lift") else 3
    ends = (row["ci_low"], row["ci_high"])
    return form.fixed(row["value"], digits), (
        () if None in ends else tuple(form.fixed(end, digits) for end in ends)
    )
