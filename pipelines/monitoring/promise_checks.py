"""The ledger of decisions, and promised against measured effects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.experiments import Moments
from models.promises import Cohort, Kept, results
from pipelines.monitoring.alert import CRITICAL, Alert
from runtime.context import Context
from runtime.lakehouse.writes import Write
from transforms.decision_ledger import decision_ledger, promise_moments
from transforms.standing_decisions import tried_decisions
from transforms.visibility import keep_visible

EMPTY = Moments(0, 0.0, 0.0)
EVERYONE = "all"


def promise_writes(context: Context) -> tuple[list[Write], list[Alert]]:
    """The writes of gold.decision_ledger and gold.promise_results. Empty without decisions."""
    if not context.has("gold.offer_decisions"):
        return [], []
    horizon = context.settings.churn.primary_horizon_days
    decisions = context.read("gold.offer_decisions").where(f"as_of <= DATE'{context.as_of}'")
    ledger = context.lake.keep(
        decision_ledger(
            tried_decisions(decisions, context.read("gold.outbox")),
            context.read("gold.customer_segments"),
            keep_visible(context.read("silver.transactions"), "purchased_at", context.as_of),
            horizon_days=horizon,
            until=context.as_of,
        )
    )
    of_ledger = context.table("gold.decision_ledger")
    writes = [Write(of_ledger, ledger.select(*of_ledger.column_names), mode="merge")]
    # Campaigns x offers x 13 x 2 rows.
    sums = [r.asDict() for r in promise_moments(ledger).collect()]
    rows = promise_rows(context, sums)
    if rows:
        table = context.table("gold.promise_results")
        records = [tuple(row[c] for c in table.column_names) for row in rows]
        frame = context.spark.createDataFrame(records, table.ddl)
        writes.append(Write(table, frame, mode="merge"))
    return writes, promise_alerts(context, rows)


def promise_rows(context: Context, sums: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of gold.promise_results from `promise_moments`: a test per offer and segment."""
    by_offer: dict[tuple[str, str], dict[tuple[dt.date, str], dict[bool, Mapping[str, Any]]]] = {}
    for row in sums:
        offer = by_offer.setdefault((row["offer_id"], row["segment"]), {})
        offer.setdefault((row["first_on"], row["campaign_id"]), {})[row["is_held_out"]] = row
    offers = {offer for offer, _ in by_offer}
    alpha = context.settings.monitoring.false_alarm_rate / max(len(offers), 1)
    made = []
    for key in sorted(by_offer):
        series = sorted(by_offer[key].items())
        cohorts = [_cohort(day, arms) for (day, _), arms in series]
        kept = results(cohorts, context.settings.monitoring.promise_share_kept, alpha)
        for ((day, campaign), _), cohort, result in zip(series, cohorts, kept, strict=True):
            made.append(_row(campaign, key, day, cohort, result))
    return made


def _cohort(day: dt.date, arms: Mapping[bool, Mapping[str, Any]]) -> Cohort:
    """Both arms of one campaign. The promise is the mean over both."""
    customers = sum(arm["customers"] for arm in arms.values())
    promised = sum(arm["promised"] or 0.0 for arm in arms.values()) / customers
    treated, held_out = (_moments(arms.get(is_held_out)) for is_held_out in (False, True))
    known = max(arm["known_on"] for arm in arms.values())
    return Cohort(day, known, treated, held_out, promised)


def _moments(arm: Mapping[str, Any] | None) -> Moments:
    return EMPTY if arm is None else Moments(arm["customers"], arm["y"], arm["y"])


def _row(
    campaign: str, key: tuple[str, str], day: dt.date, cohort: Cohort, kept: Kept
) -> dict[str, Any]:
    return {
        "campaign_id": campaign,
        "offer_id": key[0],
        "segment": key[1],
        "month": f"{day:%Y-%m}",
        "treated": cohort.treated.count,
        "held_out": cohort.held_out.count,
        "promised_value": kept.promised,
        "measured_value": kept.measured,
        "ci_low": kept.low,
        "ci_high": kept.high,
        "anytime_p_value": kept.p_value,
        "smallest_decay": kept.smallest_decay,
        "is_kept": kept.is_kept,
    }


def promise_alerts(context: Context, rows: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """One alert per offer whose newest campaign, over all segments, did not keep its promise."""
    newest = {r["offer_id"]: r for r in rows if r["segment"] == EVERYONE}
    return [
        Alert(
            context.as_of,
            "promise",
            offer,
            CRITICAL,
            f"Offer {offer} does not keep what plans promise: {r['promised_value']:.1%} retained "
            f"customers promised, {r['measured_value']:.1%} measured ({r['ci_low']:.1%} to "
            f"{r['ci_high']:.1%}) in campaign {r['campaign_id']}; always-valid p "
            f"{r['anytime_p_value']:.3g}.",
            "Stop the offer or change it in conf/offers.yaml. Run estimate_uplift, so that the "
            "next plan uses the measured effect.",
        )
        for offer, r in newest.items()
        if r["is_kept"] is False and r["measured_value"] is not None
    ]
