"""The page's section on campaigns: personalised against mass mailing, as measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.reporting.facts import Facts, Row
from pipelines.reporting.html import Cell, note, table
from pipelines.reporting.phrases import fixed, whole

POLICIES = ("personalised", "mass")
DIFFERENCE = "personalised less mass"
METRICS = {
    "conversion": ("Buyers more in 100 sent", 100.0),
    "retained_revenue": ("Revenue more a customer sent", 1.0),
}
HEADS = ("Policy", "What changed", "Campaigns", "Customers sent", "Effect", "95 % interval")
# Of the normal distribution, as the intervals of campaigns of this size were made with.
QUANTILE = 1.96


def pooled(rows: Sequence[Row]) -> list[Row]:
    """One row a policy and metric: the mean effect on a customer sent something, with an interval.

    Offers of one campaign share their held-out, so within it errors are added as if they moved
    together, which they do at most; campaigns are apart.
    """
    found = []
    for policy in POLICIES:
        for metric in METRICS:
            mine = [r for r in rows if (r["policy"], r["metric"]) == (policy, metric)]
            mine.sort(key=lambda r: (r["campaign_id"], r["offer_id"]))
            treated = sum(r["treated"] for r in mine)
            if not treated:
                continue
            errors: dict[str, float] = {}
            for r in mine:
                error = r["treated"] / treated * (r["ci_high"] - r["ci_low"]) / 2 / QUANTILE
                errors[r["campaign_id"]] = errors.get(r["campaign_id"], 0.0) + error
            effect = sum(r["effect"] * r["treated"] for r in mine) / treated
            reach = QUANTILE * sum(e**2 for e in errors.values()) ** 0.5
            found.append(
                {
                    "policy": policy,
                    "metric": metric,
                    "campaigns": len(errors),
                    "treated": treated,
                    "effect": effect,
                    "ci_low": effect - reach,
                    "ci_high": effect + reach,
                }
            )
    return found


def differences(found: Sequence[Row]) -> list[Row]:
    """One row a metric that `pooled` has for both policies: personalised less mass.

    No campaign is of both, so their errors are independent and add in quadrature.
    """
    of = {(r["policy"], r["metric"]): r for r in found}
    rows = []
    for metric in METRICS:
        pair = [of.get((policy, metric)) for policy in POLICIES]
        if pair[0] is None or pair[1] is None:
            continue
        effect = pair[0]["effect"] - pair[1]["effect"]
        reach = sum((r["ci_high"] - r["effect"]) ** 2 for r in pair if r is not None) ** 0.5
        rows.append(
            {
                "policy": DIFFERENCE,
                "metric": metric,
                "campaigns": pair[0]["campaigns"] + pair[1]["campaigns"],
                "treated": pair[0]["treated"] + pair[1]["treated"],
                "effect": effect,
                "ci_low": effect - reach,
                "ci_high": effect + reach,
            }
        )
    return rows


def compared(rows: Sequence[Row]) -> list[Row]:
    """`pooled`, and `differences` of it."""
    found = pooled(rows)
    return [*found, *differences(found)]


def sentence(facts: Facts) -> str:
    """What one more sent message brought under either policy, and under one more than the other."""
    found = {(r["policy"], r["metric"]): r for r in compared(facts.campaigns)}
    if not found:
        return "No campaign with a random hold-out has had its horizon yet."
    said = [
        f"{name}: {_figures(found[name, 'conversion'])[0]} buyers more in 100 sent "
        f"({_figures(found[name, 'conversion'])[1]})"
        if (name, "conversion") in found
        else f"{name}: nothing to compare yet, as no offer has both customers sent it and held out"
        for name in (*POLICIES, DIFFERENCE)
        if name in POLICIES or (name, "conversion") in found
    ]
    return f"Against those held out at random. {'; '.join(said).capitalize()}."


def body(facts: Facts) -> list[str]:
    """A row a policy and metric, and one a metric of their difference."""
    rows: list[list[Cell]] = [
        [
            r["policy"],
            METRICS[r["metric"]][0],
            whole(r["campaigns"]),
            whole(r["treated"]),
            *_figures(r),
        ]
        for r in compared(facts.campaigns)
    ]
    if not rows:
        return []
    return [
        table(HEADS, rows, texts=2, caption="Personalised against mass mailing", style="wide"),
        note(
            "Personalised: offers of a plan. Mass: offers drawn at random. Means over campaigns, "
            "weighted by customers sent; the two went to different customers at different times."
        ),
    ]


def _figures(row: dict[str, Any]) -> tuple[str, str]:
    scale = METRICS[row["metric"]][1]
    ends = (fixed(scale * row["ci_low"], 2), fixed(scale * row["ci_high"], 2))
    return fixed(scale * row["effect"], 2), " to ".join(ends)
