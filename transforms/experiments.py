"""Rows of campaigns, randomised or not: who was sent which offer, when, and what each then did."""

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
# What was chosen for whoever was in a campaign that drew the offer too.
ANY = "any"
# A label begins at as_of: what is sent later than so many days after it works in too little of it.
SOON_DAYS = 7


def randomised_contacts(contacts: DataFrame) -> DataFrame:
    """One row a (customer_id, as_of) of randomised campaigns: offer_id, null for the held-out.

    as_of is the day of the contact. Someone in two campaigns of one day is in neither: no effect
    could be told apart.
    """
    random = contacts.where(F.coalesce("is_randomised", F.lit(False))).select(
        "customer_id",
        F.col("contacted_at").cast("date").alias("as_of"),
        F.when(F.coalesce("is_treated", F.lit(True)), F.col("offer_id")).alias("offer_id"),
        F.coalesce("is_treated", F.lit(True)).alias("is_treated"),
    )
    # A treatment without an offer's name says nothing about any offer.
    usable = random.where(F.col("offer_id").isNotNull() | ~F.col("is_treated"))
    counts = usable.groupBy("customer_id", "as_of").agg(
        F.count("*").alias("contacts"), F.max("offer_id").alias("offer_id")
    )
    return counts.where(F.col("contacts") == 1).select("customer_id", "as_of", "offer_id")


def own_contacts(decisions: DataFrame, outbox: DataFrame) -> DataFrame:
    """One row a contact of our own that chance could withhold: customer_id, as_of, offer_id (null:
    held out), chosen_for, the offer that was chosen before the draw.

    `decisions`: gold.offer_decisions, the tried ones that were due within SOON_DAYS of their plan;
    `outbox`: gold.outbox, a rule's contacts whether they reached anybody or not, as nobody knows of
    the held-out. as_of is the day whose features chose, so that both sides are known by the same.
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
    """One row a (customer_id, as_of) for whom chance decided: offer_id (null: held out), and
    chosen_for, which is ANY where the offer itself was drawn. Who is twice in a day is left out.
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
    """One row a (customer_id, as_of) that a campaign chose, at random or not: offer_id where it was
    one that sent an offer to customers of its own choice; null where no effect could be told.

    as_of is the day of the contact.
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
    rows: DataFrame, contacts: DataFrame, profiles: DataFrame, silent_days: int
) -> DataFrame:
    """Add offer_id (null: reached by no campaign of the day), fold (0 or 1) and split: observed.

    `rows`: features and label of campaigns' days; `contacts`: of observed_contacts; `profiles`:
    silver.customers. Left out are those whom a contact of the day makes useless, and those to whom
    nobody writes: who had opted out by that day, and the long silent.
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
    split_of: Mapping[dt.date, str],
    own_split_of: Mapping[dt.date, str],
) -> DataFrame:
    """Add arm (0 held out, k the k-th offer), fold (0 or 1), split, and e_<k>, the chance of the
    arm: its share of those who were chosen for the same that day; of an offer that was not, 0.

    `contacts`: of trial_contacts; `split_of`: days of campaigns whose offers were drawn,
    `own_split_of`: of our own. Rows of other offers or dates are left out, and of our own where
    nobody, or everybody, was held out. `rows` has customer_id and as_of.
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
    learner: str,
    own: str = "individual",
) -> DataFrame:
    """gold.offer_effects from effect_<k>; `averages`: one effect for all, None: each their own,
    whose basis is `own`."""
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
