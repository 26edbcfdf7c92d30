"""The sentences and numbers of the campaign section."""

from __future__ import annotations

from models.campaign_pooling import DIFFERENCE, POLICIES, PooledEffect, compared_policies
from pipelines.reporting.report_data import ReportData, Row
from runtime.formats import LocaleFormat

POLICY_NAMES = dict(zip(POLICIES, ("Personalised offers", "Mass mailing"), strict=True)) | {
    DIFFERENCE: "Personalised minus mass"
}
# Metric -> (name, factor for display).
CAMPAIGN_METRICS = {
    "conversion": ("Additional buyers per 100 customers contacted", 100.0),
    "retained_revenue": ("Additional revenue per customer contacted", 1.0),
}

# Policy -> verdict above and below 0, where it is not "works" and "does harm".
VERDICTS = {DIFFERENCE: ("personalised is better", "mass is better")}
NO_CAMPAIGN = "No campaign with a random control group has a complete measurement period yet."


def campaigns(data: ReportData) -> str:
    """The pooled effect of each policy on conversion, and their difference."""
    effects = {(e.policy, e.metric): e for e in compared_policies(data.campaigns)}
    if not effects:
        return NO_CAMPAIGN
    parts = []
    for policy, name in POLICY_NAMES.items():
        effect = effects.get((policy, "conversion"))
        if effect is not None:
            value, interval = effect_and_interval(data.form, effect)
            parts.append(f"{name}: {value} (95 % interval {interval}).")
        elif policy in POLICIES:
            parts.append(
                f"{name}: no result yet, because no offer has both contacted customers and a "
                "control group."
            )
    return (
        f"{CAMPAIGN_METRICS['conversion'][0]}, compared with a random control group. "
        f"{' '.join(filter(None, [*parts, mismatches(data)]))}"
    )


def each_campaign(data: ReportData) -> str:
    """The number of measured campaigns."""
    number = len({r["campaign_id"] for r in data.campaigns})
    if not number:
        return NO_CAMPAIGN
    verb = "is" if number == 1 else "are"
    return f"{data.form.count(number, 'campaign')} {verb} compared with a random control group."


def effect_and_interval(form: LocaleFormat, effect: PooledEffect) -> tuple[str, str]:
    """A pooled effect and its interval, in the unit of its metric."""
    factor = CAMPAIGN_METRICS[effect.metric][1]
    low, high = form.fixed(factor * effect.ci_low, 2), form.fixed(factor * effect.ci_high, 2)
    return form.fixed(factor * effect.effect, 2), f"{low} to {high}"


def verdict(effect: PooledEffect) -> str:
    """What the interval of an effect says."""
    better, worse = VERDICTS.get(effect.policy, ("works", "does harm"))
    if effect.ci_low > 0:
        return better
    return worse if effect.ci_high < 0 else "not proven"


def newest_first(data: ReportData) -> list[Row]:
    """One row per campaign, offer, month and metric, over all segments; the newest month first."""
    rows = sorted(data.campaigns, key=lambda r: (r["campaign_id"], r["offer_id"], r["metric"]))
    return sorted(rows, key=lambda r: r["month"], reverse=True)


def result_cells(form: LocaleFormat, row: Row) -> dict[str, str]:
    """One campaign and metric: names, sizes, effect, interval, p-value and sample ratio."""
    name, factor = CAMPAIGN_METRICS[row["metric"]]
    low, high = (form.fixed(factor * row[end], 2) for end in ("ci_low", "ci_high"))
    return {
        "campaign": row["campaign_id"],
        "offer": row["offer_id"],
        "month": row["month"],
        "measure": name,
        "treated": form.whole(row["treated"]),
        "held_out": form.whole(row["held_out"]),
        "effect": form.fixed(factor * row["effect"], 2),
        "interval": f"{low} to {high}",
        "p_value": p_value(form, row["p_value"]),
        "sample_ratio": p_value(form, row["srm_p_value"]),
    }


def p_value(form: LocaleFormat, number: float | None) -> str:
    """A p-value with three decimals; "-" if it is unknown.

    >>> form = LocaleFormat()
    >>> p_value(form, 0.0432), p_value(form, 0.00004), p_value(form, None)
    ('0.043', '< 0.001', '-')
    """
    if number is None:
        return "-"
    return f"< {form.fixed(0.001)}" if number < 0.001 else form.fixed(number, 3)


def mismatches(data: ReportData) -> str:
    """A warning for campaigns whose arms do not have the intended sizes; empty without one."""
    names = sorted(
        {
            r["campaign_id"]
            for r in data.campaigns
            if r["srm_p_value"] is not None and r["srm_p_value"] < data.mismatch_p_value
        }
    )
    if not names:
        return ""
    limit = data.form.decimal(data.mismatch_p_value, 4).rstrip("0")
    return (
        f"Do not trust the effect of {', '.join(names)}: the numbers of contacted and held-out "
        f"customers do not fit the intended shares (p below {limit}), so chance "
        "alone did not assign them."
    )
