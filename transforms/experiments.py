"""Rows of campaigns, randomised or not: who was sent which offer, when, and the outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold_decisions import OFFER_EFFECTS
from transforms.attributes import valid_at
from transforms.conform import conform
from transforms.standing_decisions import tried_decisions
from udfs.shares import is_in_share_column

HELD_OUT = 0
# chosen_for where the campaign drew the offer at random too.
ANY = "any"
# A label window begins at as_of. An offer sent later than this covers too little of the window.
SOON_DAYS = 7


def randomised_contacts(contacts: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) of randomised campaigns: offer_id (null: control group).

    as_of is the day of the contact. A customer in two campaigns on one day is left out, because the
    effects could not be separated.
    """
    random = contacts.where(F.coalesce("is_randomised", F.lit(False))).select(
        "customer_id",
        F.col("contacted_at").cast("date").alias("as_of"),
        F.when(F.coalesce("is_treated", F.lit(True)), F.col("offer_id")).alias("offer_id"),
        F.coalesce("is_treated", F.lit(True)).alias("is_treated"),
    )
    # A treatment without an offer_id cannot be attributed to an offer.
    usable = random.where(F.col("offer_id").isNotNull() | ~F.col("is_treated"))
    counts = usable.groupBy("customer_id", "as_of").agg(
        F.count("*").alias("contacts"), F.max("offer_id").alias("offer_id")
    )
    return counts.where(F.col("contacts") == 1).select("customer_id", "as_of", "offer_id")


def own_contacts(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """One row per contact of our own that is subject to random hold-out.

    Columns: customer_id, as_of, offer_id, chosen_for. offer_id is null for the control group;
    chosen_for is the offer that was chosen before the draw. as_of is the day whose features made
    the choice, so that both arms are described by the same day.

    `decisions`: gold.offer_decisions. Only tried_decisions that were due within SOON_DAYS of their
    plan are used. `outbox`: gold.outbox. All contacts of rules are used, delivered or not, because
    delivery is unknown for the control group.
    """
    due = tried_decisions(decisions, outbox).where(
        F.datediff(F.col("send_on"), F.col("as_of")) <= SOON_DAYS
    )
    is_of_rule = F.col("campaign_id").isNull()
    triggered = outbox.where(is_of_rule & F.col("offer_id").isNotNull()).select(
        "customer_id",
        F.col("triggered_on").alias("as_of"),
        _unless_held_out().alias("offer_id"),
        F.col("offer_id").alias("chosen_for"),
    )
    return due.select(
        "customer_id",
        "as_of",
        _unless_held_out().alias("offer_id"),
        F.col("offer_id").alias("chosen_for"),
    ).unionByName(triggered)


def _unless_held_out() -> Column:
    return F.when(~F.col("is_held_out"), F.col("offer_id"))


def trial_contacts(randomised: DataFrame, own: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) with a random assignment: offer_id, chosen_for.

    offer_id is null for the control group. chosen_for is ANY where the offer itself was drawn.
    Customers with two contacts on a day are left out.
    """
    drawn = randomised.select("customer_id", "as_of", "offer_id", F.lit(ANY).alias("chosen_for"))
    counts = (
        drawn.unionByName(own)
        .groupBy("customer_id", "as_of")
        .agg(
            F.count("*").alias("contacts"),
            F.max("offer_id").alias("offer_id"),
            F.max("chosen_for").alias("chosen_for"),
        )
    )
    single = counts.where(F.col("contacts") == 1)
    return single.select("customer_id", "as_of", "offer_id", "chosen_for")


def observed_contacts(contacts: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) that a campaign contacted, randomised or not: offer_id.

    offer_id is set where the only contact of the day was an offer of a campaign that chose its
    customers itself. It is null where no effect could be attributed. as_of is the day of the
    contact.
    """
    is_chosen = ~F.coalesce(F.col("is_randomised"), F.lit(False))
    is_sent = F.coalesce(F.col("is_treated"), F.lit(True))
    reached = contacts.select(
        "customer_id",
        F.col("contacted_at").cast("date").alias("as_of"),
        F.when(is_chosen & is_sent, F.col("offer_id")).alias("offer_id"),
    )
    counts = reached.groupBy("customer_id", "as_of").agg(
        F.count("*").alias("contacts"), F.max("offer_id").alias("offer_id")
    )
    alone = F.when(F.col("contacts") == 1, F.col("offer_id"))
    return counts.select("customer_id", "as_of", alone.alias("offer_id"))


def with_observed(
    rows: DataFrame, contacts: DataFrame, profiles: DataFrame, *, silent_days: int
) -> DataFrame:
    """One row per usable row: adds offer_id, fold (0 or 1) and split "observed".

    offer_id is null for customers who were not contacted that day. `rows`: features and label at
    the days of campaigns. `contacts`: from observed_contacts. `profiles`: silver.customers. Left
    out are customers with an unusable contact that day, and customers who are never contacted:
    those who had opted out by that day, and those with recency_days above `silent_days`.
    """
    reached = contacts.select("customer_id", "as_of", "offer_id", F.lit(True).alias("is_reached"))
    at_day = valid_at(profiles, rows.select("customer_id", "as_of"))
    barred = at_day.where("is_opted_out").select(
        "customer_id", "as_of", F.lit(True).alias("is_out")
    )
    joined = rows.join(reached, on=["customer_id", "as_of"], how="left").join(
        barred, on=["customer_id", "as_of"], how="left"
    )
    usable = joined.where(
        F.col("is_out").isNull()
        & (F.col("is_reached").isNull() | F.col("offer_id").isNotNull())
        & (F.col("recency_days") <= silent_days)
    )
    fold = is_in_share_column(0.5, "fold", "customer_id")
    return usable.select(
        *rows.columns,
        "offer_id",
        fold.cast("double").alias("fold"),
        F.lit("observed").alias("split"),
    )


def with_arms(
    rows: DataFrame,
    contacts: DataFrame,
    offers: Sequence[str],
    *,
    split_of: Mapping[dt.date, str],
    own_split_of: Mapping[dt.date, str],
) -> DataFrame:
    """One row per customer and day of a trial: adds arm, fold, split and propensities e_<k>.

    arm is 0 for the control group and k for the k-th offer; fold is 0 or 1. e_<k> is the arm's
    share among the customers with the same chosen_for on that day, 0 for an offer that was not
    used. `contacts`: from trial_contacts. `split_of`: days of campaigns whose offers were drawn.
    `own_split_of`: days of our own contacts. Rows of other offers or dates are left out, and so are
    our own contacts if nobody or everybody was held out. `rows` has customer_id and as_of.
    """
    arm = F.when(F.col("offer_id").isNull(), F.lit(float(HELD_OUT)))
    for k, name in enumerate(offers, 1):
        arm = arm.when(F.col("offer_id") == name, F.lit(float(k)))
    is_own = F.col("chosen_for") != ANY
    split = F.when(is_own, _split_of(own_split_of)).otherwise(_split_of(split_of))
    armed = contacts.select(
        "customer_id", "as_of", "chosen_for", arm.alias("arm"), split.alias("split")
    )
    armed = armed.where(F.col("arm").isNotNull() & F.col("split").isNotNull())
    joined = rows.join(armed, on=["customer_id", "as_of"], how="inner")
    shares = joined.groupBy("as_of", "chosen_for").agg(
        *[
            (F.count(F.when(F.col("arm") == float(k), 1)) / F.count("*")).alias(f"e_{k}")
            for k in range(len(offers) + 1)
        ]
    )
    usable = shares.where(~is_own | ((F.col("e_0") > 0) & (F.col("e_0") < 1)))
    fold = is_in_share_column(0.5, "fold", "customer_id")
    both = joined.join(usable, on=["as_of", "chosen_for"], how="inner")
    kept = [c for c in both.columns if c != "chosen_for"]
    return both.select(*kept, fold.cast("double").alias("fold"))


def _split_of(days: Mapping[dt.date, str]) -> Column:
    split = F.lit(None).cast("string")
    for day, name in days.items():
        split = F.when(F.col("as_of") == F.lit(day).cast("date"), name).otherwise(split)
    return split


def offer_effects(
    scored: DataFrame,
    offers: Sequence[str],
    averages: Sequence[float | None],
    *,
    learner: str,
    own: str = "individual",
) -> DataFrame:
    """One row per (as_of, customer_id, offer_id), as in gold.offer_effects, from effect_<k>.

    `averages` holds one value per offer: the effect of all customers (basis "average"), or None for
    individual effects, whose basis is `own`.
    """
    pairs = F.array(
        *[
            F.struct(
                F.lit(name).alias("offer_id"),
                (F.col(f"effect_{k}") if average is None else F.lit(float(average))).alias(
                    "effect"
                ),
                F.lit(own if average is None else "average").alias("basis"),
            )
            for k, (name, average) in enumerate(zip(offers, averages, strict=True), 1)
        ]
    )
    rows = scored.select("as_of", "customer_id", F.explode(pairs).alias("pair"))
    return conform(
        rows.select(
            "as_of",
            "customer_id",
            F.col("pair.offer_id").alias("offer_id"),
            F.col("pair.effect").alias("effect"),
            F.col("pair.basis").alias("basis"),
            F.lit(learner).alias("learner"),
        ),
        OFFER_EFFECTS,
    )
