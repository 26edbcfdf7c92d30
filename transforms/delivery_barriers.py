"""Which contacts of the outbox may be sent now, which are held back, and which are cancelled."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import Column, DataFrame, functions as F

from transforms.consent import CONSENT_UNKNOWN, OPTED_OUT, consent_barrier

EXPIRED, NO_SUCH_OFFER, NOT_FULFILLED = "expired", "no_such_offer", "not_fulfilled"
# A contact with one of these barriers may be sent by a later run. All other barriers are final.
HELD_BACK_BY = (CONSENT_UNKNOWN, NOT_FULFILLED)


def with_barrier(
    contacts: DataFrame,
    fulfilments: DataFrame,
    *,
    offers: Collection[str],
    booked_offers: Collection[str],
    when_consent_unknown: str,
) -> DataFrame:
    """One row per due contact: adds `barrier`, why it is not sent now; null: send it.

    The first that applies: opted_out, expired, no_such_offer (the offer is not in `offers`),
    consent_unknown (see consent_barrier), not_fulfilled (one of the `booked_offers` whose booking
    was not acknowledged). `contacts`: rows of `undelivered` with is_opted_out. `fulfilments`:
    silver.fulfilments.

    Only a contact with a text waits for a booking, because the text says that the offer was booked.
    A contact of a rule by file or webhook has none: its receiver may be the one who books.
    """
    has_text = F.col("campaign_id").isNotNull() | (F.col("channel") == "email")
    is_booked = F.col("offer_id").isin(*booked_offers) if booked_offers else F.lit(False)
    is_waiting = has_text & is_booked & ~F.col("is_fulfilled")
    consent = consent_barrier(when_consent_unknown)
    barrier = (
        F.when(consent == OPTED_OUT, OPTED_OUT)
        .when(F.col("is_expired"), EXPIRED)
        .when(~F.col("offer_id").isin(*offers), NO_SUCH_OFFER)
        .when(consent.isNotNull(), consent)
        .when(is_waiting, NOT_FULFILLED)
    )
    rows = with_fulfilment(contacts, fulfilments)
    return rows.select(*contacts.columns, barrier.alias("barrier"))


def with_fulfilment(contacts: DataFrame, fulfilments: DataFrame) -> DataFrame:
    """One row per contact: adds is_fulfilled, whether the booking of its offer was acknowledged.

    A fulfilment counts for the contacts of its customer and offer, and of its campaign if it names
    one. It must have been booked from the day of the plan (for a contact of a rule: of the trigger)
    to the day before expires_on.
    """
    booked = fulfilments.select(
        F.col("customer_id").alias("of_customer"),
        F.col("offer_id").alias("of_offer"),
        F.col("campaign_id").alias("of_campaign"),
        F.col("fulfilled_at").cast("date").alias("fulfilled_on"),
    )
    is_of_contact = (
        (F.col("customer_id") == F.col("of_customer"))
        & (F.col("offer_id") == F.col("of_offer"))
        & (F.col("of_campaign").isNull() | (F.col("of_campaign") == F.col("campaign_id")))
        & (F.col("fulfilled_on") >= _first_day())
        & (F.col("fulfilled_on") < F.col("expires_on"))
    )
    done = contacts.join(booked, on=is_of_contact, how="inner").select("contact_id").distinct()
    done = done.select("contact_id", F.lit(True).alias("is_fulfilled"))
    joined = contacts.join(done, on="contact_id", how="left")
    is_fulfilled = F.coalesce(F.col("is_fulfilled"), F.lit(False))
    return joined.select(*contacts.columns, is_fulfilled.alias("is_fulfilled"))


def _first_day() -> Column:
    """The first day on which an offer may be booked; period_on of a message is its plan's as_of."""
    of_plan = F.when(F.col("campaign_id").isNotNull(), F.col("period_on"))
    return F.coalesce(of_plan, F.col("triggered_on"))
