"""The sentences and numbers of the campaign section."""

from __future__ import annotations

from models.campaign_pooling import DIFFERENCE, POLICIES, PooledEffect, compared_policies
from pipelines.reporting.formats import fixed
from pipelines.reporting.report_data import ReportData, Row

POLICY_NAMES = dict(zip(POLICIES, ("Personalised offers", "Mass mailing"), strict=True)) | {
    DIFFERENCE: "Personalised minus mass"
}
# Metric -> (name, factor for display).
CAMPAIGN_METRICS = {
    "conversion": ("Additional buyers per 100 customers contacted", 100.0),
    "retained_revenue": ("Additional revenue per customer contacted", 1.0),
}


def campaigns(data: ReportData) -> str:
    """The pooled effect of each policy on conversion, and their difference."""
    effects = {(e.policy, e.metric): e for e in compared_policies(data.campaigns)}
    if not effects:
        return "No campaign with a random control group has a complete measurement period yet."
    parts = []
    for policy, name in POLICY_NAMES.items():
        effect = effects.get((policy, "conversion"))
        if effect is not None:
            value, interval = effect_and_interval(effect)
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


def effect_and_interval(effect: PooledEffect) -> tuple[str, str]:
    """A pooled effect and its interval, in the unit of its metric."""
    factor = CAMPAIGN_METRICS[effect.metric][1]
    low, high = fixed(factor * effect.ci_low, 2), fixed(factor * effect.ci_high, 2)
    return fixed(factor * effect.effect, 2), f"{low} to {high}"


def newest_first(data: ReportData) -> list[Row]:
    """One row per campaign, offer, month and metric, over all segments; the newest month first."""
    rows = sorted(data.campaigns, key=lambda r: (r["campaign_id"], r["offer_id"], r["metric"]))
    return sorted(rows, key=lambda r: r["month"], reverse=True)


def result_cells(row: Row) -> dict[str, str]:
    """One campaign and metric: names, sizes, effect, interval, p-value and sample ratio."""
    name, factor = CAMPAIGN_METRICS[row["metric"]]
    return {
        "campaign": row["campaign_id"],
        "offer": row["offer_id"],
        "month": row["month"],
        "measure": name,
        "treated": f"{row['treated']:,}",
        "held_out": f"{row['held_out']:,}",
        "effect": fixed(factor * row["effect"], 2),
        "interval": f"{fixed(factor * row['ci_low'], 2)} to {fixed(factor * row['ci_high'], 2)}",
        "p_value": p_value(row["p_value"]),
        "sample_ratio": p_value(row["srm_p_value"]),
    }


def p_value(number: float | None) -> str:
    """A p-value with three decimals; "-" if it is unknown.

    >>> p_value(0.0432), p_value(0.00004), p_value(None)
    ('0.043', '< 0.001', '-')
    """
    if number is None:
        return "-"
    return "< 0.001" if number < 0.001 else fixed(number, 3)


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
    return (
        f"Do not trust the effect of {', '.join(names)}: the numbers of contacted and held-out "
        f"customers do not fit the intended shares (p below {data.mismatch_p_value:g}), so chance "
        "alone did not assign them."
    )
