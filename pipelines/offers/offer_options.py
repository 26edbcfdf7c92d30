"""The offers that are possible for each customer at as_of, with gain, cost, day and timing.

decide_offers and plan_retention share them, so that both use the same customers, offers, costs and
days.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.offers.consent import opt_outs
from pipelines.offers.past_contacts import past_contacts
from runtime.context import Context
from transforms.decisions import people
from transforms.offer_policies import with_factor_rule, with_timing_and_barrier
from transforms.offers import Offer, assumed_effects, measured_effects, with_costs_and_gains

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def priced_options(context: Context, offers: Sequence[Offer], policy: str) -> DataFrame:
    """One row per active, silent or lost customer: gain and cost of each offer, day and timing."""
    conf = context.settings.decisions
    customers = people(
        context.required_slice("gold.customer_segments", "score_customers"),
        context.required_slice("gold.customer_scores", "score_customers"),
        context.required_slice("features.transactions", "build_features"),
        customers=opt_outs(context),
    )
    dated = with_timing_and_barrier(
        customers,
        past_contacts(context),
        offers,
        send_days_before=conf.send_days_before,
        period_days=conf.period_days,
        cooling_off_days=conf.cooling_off_days,
    )
    effects = None if policy == "rules" else measured(context)
    if effects is not None:
        rows = measured_effects(dated, effects, offers)
    else:
        ruled = with_factor_rule(
            dated,
            context.slice("gold.risk_factors"),
            conf.factors.model_dump(),
            high_risk_from=conf.high_risk_from,
            many_orders=conf.many_orders,
        )
        rows = assumed_effects(ruled, offers, conf.assumed_effect)
    return with_costs_and_gains(rows, offers, conf.redemption_rate)


def measured(context: Context) -> DataFrame | None:
    """The measured effect per customer and offer at as_of; None if nothing was estimated.

    Observational effects are only reported. No plan uses them.
    """
    if not context.has("gold.offer_effects"):
        return None
    effects = context.slice("gold.offer_effects").where("basis <> 'observational'")
    return effects if effects.take(1) else None
