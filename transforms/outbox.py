"""Contacts that are triggered by a rise of the risk level: rows of gold.outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.gold_engagement import OUTBOX
from transforms.conform import conform
from transforms.consent import consent_barrier
from transforms.offers import Offer, last_contacts, may_get, measured_effects
from transforms.send_dates import COOLING_OFF
from udfs.shares import is_in_share_column

EPOCH = dt.date(1970, 1, 1)
# Statuses of a contact that a later run may send.
UNSENT = ("failed", "held_back")


@dataclass(frozen=True)
class Trigger:
    """A rule of conf that contacts customers whose risk level rose, by `channel`.

    It applies to a customer whose level rose to one of the levels `to`, who meets `when` and may
    get the offer. Periods of `period_days` are counted from 1970-01-01, so their limits never
    change.
    """

    name: str
    to: tuple[str, ...]
    when: str | None
    action: str
    offer_id: str | None
    channel: str
    period_days: int
    valid_days: int

    def period_on(self, day: dt.date) -> dt.date:
        """First day of the period that contains the day."""
        passed = (day - EPOCH).days
        return day - dt.timedelta(days=passed % self.period_days)


# What judged a customer. Levels of two dates are compared only where all of it is the same.
JUDGED_BY = ("model_name", "model_version", "risk_scheme")


def risen(now: DataFrame, before: DataFrame, levels: Sequence[str]) -> DataFrame:
    """One row per customer whose risk level rose between two dates: adds from_level, to_level.

    `now` and `before` each hold one as_of of gold.customer_scores. Both dates must have been judged
    by the same model version (or both by the rule) under the same risk scheme: a new model moves
    levels without any change in the customer. `levels` lists the levels from the highest to the
    lowest. A level that is not in `levels` never counts as a rise. With levels HIGH, LOW (null
    before: no row):

    | before | now | version_before | version_now | risen |
    |---|---|---|---|---|
    | LOW | HIGH | 3 | 3 | true |
    | LOW | HIGH | null | null | true |
    | LOW | HIGH | 3 | 4 | false |
    | HIGH | HIGH | 3 | 3 | false |
    | HIGH | LOW | 3 | 3 | false |
    | null | HIGH | 3 | 3 | false |
    """
    both = with_earlier(now, before).where("is_same_judge")
    both = both.where(_height("to_level", levels) > _height("from_level", levels))
    return both.drop("is_same_judge")


def with_earlier(now: DataFrame, before: DataFrame) -> DataFrame:
    """One row per customer of both dates: adds from_level, to_level and is_same_judge.

    is_same_judge: the same model version, or the rule, judged both dates under the same scheme.
    """
    earlier = before.select(
        "customer_id",
        F.col("risk_level").alias("from_level"),
        *[F.col(name).alias(f"earlier_{name}") for name in JUDGED_BY],
    )
    both = now.join(earlier, on="customer_id", how="inner")
    same = [F.col(name).eqNullSafe(F.col(f"earlier_{name}")) for name in JUDGED_BY]
    return both.select(
        *now.columns,
        "from_level",
        F.col("risk_level").alias("to_level"),
        reduce(Column.__and__, same).alias("is_same_judge"),
    )


def with_stop(
    rows: DataFrame,
    contacts: DataFrame,
    day: dt.date,
    *,
    cooling_off_days: int,
    when_consent_unknown: str,
) -> DataFrame:
    """One row per input row: adds `stop` (opted_out, consent_unknown, cooling_off or null).

    A customer with a stop may not be contacted on `day`. `rows` has is_opted_out, see
    consent_barrier. `contacts` as in `with_cooling_off`.
    """
    known = with_cooling_off(rows, contacts, day, cooling_off_days=cooling_off_days)
    stop = F.coalesce(consent_barrier(when_consent_unknown), F.col("cooling_off"))
    return known.select(*rows.columns, stop.alias("stop"))


def with_cooling_off(
    rows: DataFrame, contacts: DataFrame, day: dt.date, *, cooling_off_days: int
) -> DataFrame:
    """One row per input row: adds `cooling_off`, "cooling_off" or null.

    `contacts` has customer_id and contacted_on of every contact except those of `day` itself.
    Contacts after `day` count like those before it, so that no customer is contacted twice,
    whatever the order in which dates are run.
    """
    apart = F.abs(F.datediff(F.col("contacted_on"), F.lit(day).cast("date")))
    close = contacts.where(apart < cooling_off_days)
    close = close.groupBy("customer_id").agg(F.count("*").alias("close_contacts"))
    known = rows.join(close, on="customer_id", how="left")
    is_cooling = F.col("close_contacts") > 0
    return known.select(*rows.columns, F.when(is_cooling, COOLING_OFF).alias("cooling_off"))


def with_allowed(
    rows: DataFrame,
    offers: Sequence[Offer],
    contacts: DataFrame,
    *,
    effects: DataFrame,
    day: dt.date,
) -> DataFrame:
    """One row per input row: adds is_allowed_<offer>.

    The customer may get the offer on `day` by the rules of a plan, and its effect is unknown or
    above 0. `rows` are those of `with_stop`, with the columns that the offers' conditions use.
    `contacts` is as in `with_stop`, with offer_id. `effects` has the newest known customer_id,
    offer_id, effect. An offer's cap (most_customers) applies to plans only, not to rules.
    """
    dated = rows.select(
        "*", F.col("stop").alias("barrier"), F.lit(day).cast("date").alias("send_on")
    )
    touched = dated.join(last_contacts(contacts, offers), on="customer_id", how="left")
    known = measured_effects(touched, effects, offers)
    allowed = [
        (may_get(o) & F.coalesce(F.col(f"effect_{o.name}") > 0, F.lit(True))).alias(
            f"is_allowed_{o.name}"
        )
        for o in offers
    ]
    return known.select(*rows.columns, *allowed)


def outbox(
    rows: DataFrame,
    rules: Sequence[Trigger],
    outbox_before: DataFrame,
    *,
    day: dt.date,
    hold_out_share: float,
) -> DataFrame:
    """At most one row per customer: the first rule that applies, once per rule and period.

    `rows` are those of `with_allowed`. A condition that is null does not hold. `outbox_before` is
    gold.outbox; its rows of `day` itself are ignored, so that a rerun gives the same rows. Of the
    customers who would get an offer, a random share is held out as control group, drawn per rule
    and period.
    """
    fits = [_is_fit(rule).alias(f"is_fit_{n}") for n, rule in enumerate(rules)]
    free = rows.where(F.col("stop").isNull()).select("customer_id", "from_level", "to_level", *fits)
    terms = F.array(*[_terms(n, rule, day) for n, rule in enumerate(rules)])
    each = free.select("customer_id", "from_level", "to_level", F.explode(terms).alias("rule_"))
    fitted = each.select(
        "customer_id",
        "from_level",
        "to_level",
        F.col("rule_.place").alias("place"),
        F.col("rule_.rule").alias("rule"),
        F.col("rule_.is_fit").alias("is_fit"),
        F.col("rule_.period_on").cast("date").alias("period_on"),
        F.col("rule_.expires_on").cast("date").alias("expires_on"),
        F.col("rule_.action").alias("action"),
        F.col("rule_.offer_id").alias("offer_id"),
        F.col("rule_.channel").alias("channel"),
    ).where("is_fit")
    used = outbox_before.where(F.col("triggered_on") != F.lit(day).cast("date"))
    key = ["customer_id", "rule", "period_on"]
    fresh = fitted.join(used.select(*key), on=key, how="left_anti")
    # A plain select after the join: DuckDB reads a window's key from the right side of the join.
    fresh = fresh.select(*fitted.columns)
    first = Window.partitionBy("customer_id").orderBy("place")
    chosen = fresh.select("*", F.row_number().over(first).alias("turn")).where(F.col("turn") == 1)
    is_drawn = is_in_share_column(hold_out_share, "hold-out", "contact_id")
    is_held_out = F.col("offer_id").isNotNull() & is_drawn
    named = chosen.select("*", contact_id().alias("contact_id"))
    dated = named.select(
        "*",
        F.lit(None).cast("string").alias("campaign_id"),
        F.lit(day).cast("date").alias("triggered_on"),
        is_held_out.alias("is_held_out"),
    )
    return conform(dated, OUTBOX)


def contact_id() -> Column:
    """Id of a contact: always the same for the same customer, rule and period."""
    parts = (F.col("rule"), F.col("period_on").cast("string"), F.col("customer_id"))
    return F.substring(F.sha2(F.concat_ws("|", *parts), 256), 1, 32)


def undelivered(
    outbox: DataFrame, deliveries: DataFrame, day: dt.date, *, is_dead_tried: bool
) -> DataFrame:
    """One row per contact of the outbox that was triggered by `day` and is still to be delivered.

    Sent and cancelled contacts are final; dead letters are too, unless `is_dead_tried`. The control
    group is never contacted. Adds attempts (so far), held_back_for (the reason of a contact that
    an earlier run held back, else null) and is_expired (the contact's last valid day has passed).
    """
    tried = deliveries.select("contact_id", "status", "reason", "attempts")
    rows = outbox.join(tried, on="contact_id", how="left")
    still = F.col("status").isNull() | F.col("status").isin(*UNSENT)
    if is_dead_tried:
        still = still | (F.col("status") == "dead")
    still = still & ~F.col("is_held_out")
    due = rows.where(still & (F.col("triggered_on") <= F.lit(day).cast("date")))
    return due.select(
        *[c for c in outbox.columns],
        F.coalesce(F.col("attempts"), F.lit(0)).cast("bigint").alias("attempts"),
        F.when(F.col("status") == "held_back", F.col("reason")).alias("held_back_for"),
        (F.col("expires_on") <= F.lit(day).cast("date")).alias("is_expired"),
    )


def outbox_contacts(outbox: DataFrame, deliveries: DataFrame, day: dt.date) -> DataFrame:
    """One row per contact that was made, may still be made, or is held out.

    Columns: customer_id, offer_id, contacted_on. A sent contact has the day of sending, a held-out
    one the day of its trigger. A waiting contact counts as of `day`, because it may be sent on any
    day until it expires. Expired contacts have no row.
    """
    tried = deliveries.select("contact_id", "status", "last_tried_on")
    rows = outbox.join(tried, on="contact_id", how="left")
    status = F.coalesce(F.col("status"), F.lit("failed"))
    today = F.lit(day).cast("date")
    may_go = status.isin(*UNSENT) & (F.col("expires_on") > today)
    contacted_on = (
        F.when(F.col("is_held_out"), F.col("triggered_on"))
        .when(status == "sent", F.col("last_tried_on"))
        .when(may_go, F.greatest(F.col("triggered_on"), today))
    )
    counted = rows.select("customer_id", "offer_id", contacted_on.alias("contacted_on"))
    return counted.where(F.col("contacted_on").isNotNull())


def _height(name: str, levels: Sequence[str]) -> Column:
    """0 for the lowest level, 1 for the next, and so on; null for a level that is not in the list.

    A scheme that changed between two dates therefore triggers nothing.
    """
    height = F.lit(None).cast("int")
    for place, level in enumerate(reversed(levels)):
        height = F.when(F.col(name) == level, F.lit(place)).otherwise(height)
    return height


def _is_fit(rule: Trigger) -> Column:
    is_fit = F.col("to_level").isin(*rule.to)
    if rule.when:
        is_fit = is_fit & F.expr(f"({rule.when})")
    if rule.offer_id is not None:
        is_fit = is_fit & F.col(f"is_allowed_{rule.offer_id}")
    return F.coalesce(is_fit, F.lit(False))


def _terms(place: int, rule: Trigger, day: dt.date) -> Column:
    """The terms that a rule gives to a contact, and whether the rule applies to the row."""
    expires_on = day + dt.timedelta(days=rule.valid_days)
    return F.struct(
        F.lit(place).alias("place"),
        F.col(f"is_fit_{place}").alias("is_fit"),
        F.lit(rule.name).alias("rule"),
        F.lit(rule.period_on(day).isoformat()).alias("period_on"),
        F.lit(expires_on.isoformat()).alias("expires_on"),
        F.lit(rule.action).alias("action"),
        F.lit(rule.offer_id).cast("string").alias("offer_id"),
        F.lit(rule.channel).alias("channel"),
    )
