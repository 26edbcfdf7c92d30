"""The tables as a company would deliver them: missing, duplicate and late rows, a file per quarter.

jobs/simulate.py writes SOURCES as input of the ingest job. TRUTH is stored separately, and no
training job reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import behaviour, draws, effects, purchases, voices, world as w
from simulator.delivery import delivered, lived, moments, numbers
from simulator.payment_files import fraud_labels, fraud_truth, payments
from simulator.people import customer_names, people, profiles

Maker = Callable[[NDArray[np.int64], w.World], pd.DataFrame]


@dataclass(frozen=True)
class File:
    """One delivered table: its columns as SQL, and the function that makes the rows."""

    columns: str
    make: Maker

    @property
    def names(self) -> list[str]:
        return [column.split()[0] for column in self.columns.split(", ")]


def rows_of(name: str, ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """The rows of some customers in a table of SOURCES or TRUTH."""
    file = {**SOURCES, **TRUTH}[name]
    return file.make(ids, world)[file.names]


def _transactions(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = purchases.lines(who, purchases.orders(who, history, world), world)
    rows = delivered(rows, numbers(rows["customer_id"]), world, name="transactions")
    return rows.assign(purchased_at=moments(rows["at"]))


def _customers(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    return profiles(ids, world)


def _engagement(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = behaviour.events(who, history, world)
    rows = delivered(rows, who.id[rows["row"]], world, name="engagement")
    return rows.assign(
        customer_id=customer_names(who.id[rows["row"]]), occurred_at=moments(rows["at"])
    )


def _tickets(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = voices.tickets(who, history, world)
    rows = delivered(rows, who.id[rows["row"]], world, name="tickets")
    names = customer_names(who.id[rows["row"]])
    return rows.assign(
        customer_id=draws.blanked(names, rows["is_anonymous"].to_numpy()),
        opened_at=moments(rows["at"]),
        resolved_at=moments(rows["resolved"]),
    )


def _reviews(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = voices.reviews(who, history, world)
    rows = delivered(rows, who.id[rows["row"]], world, name="reviews")
    return rows.assign(
        customer_id=customer_names(who.id[rows["row"]]), reviewed_at=moments(rows["at"])
    )


def _contacts(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = history.contacts
    rows = rows[rows["day"] < w.DAYS].reset_index(drop=True)
    offer = np.array([*w.OFFERS, None], dtype=object)[rows["offer"].to_numpy(np.int64)]
    kind = np.where(rows["is_random"].astype(bool), "test", "best")
    return pd.DataFrame(
        {
            "customer_id": customer_names(who.id[rows["row"].to_numpy(np.int64)]),
            "campaign_id": [f"{k}-{w.day_name(d)}" for k, d in zip(kind, rows["day"], strict=True)],
            "offer_id": offer,
            "contacted_at": moments(rows["day"]),
            "ends_at": moments(rows["day"] + w.CAMPAIGN_DAYS),
            "is_treated": rows["offer"].to_numpy(np.int64) >= 0,
            "is_randomised": rows["is_random"].astype(bool),
        }
    )


def _redemptions(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = purchases.redemption_times(who, history.contacts, world)
    rows = rows[rows["at"] < w.DAYS].reset_index(drop=True)
    row = rows["row"].to_numpy(np.int64)
    share = purchases.DISCOUNTS[rows["offer"].to_numpy(np.int64)]
    kind = np.where(rows["is_random"].astype(bool), "test", "best")
    return pd.DataFrame(
        {
            "customer_id": customer_names(who.id[row]),
            "campaign_id": [f"{k}-{w.day_name(d)}" for k, d in zip(kind, rows["day"], strict=True)],
            "offer_id": np.array(w.OFFERS, dtype=object)[rows["offer"].to_numpy(np.int64)],
            "redeemed_at": moments(rows["at"]),
            "discount": np.round(share * who.basket[row] * 2, 2),
        }
    )


def answer_lines(rows: pd.DataFrame) -> pd.DataFrame:
    """Order lines of simulator.responses.answers with the columns of the source `transactions`."""
    return rows.assign(purchased_at=moments(rows["at"]))


def answer_redemptions(
    rows: pd.DataFrame, ids: NDArray[np.int64], campaign: str, *, world: w.World
) -> pd.DataFrame:
    """Redemptions of simulator.responses.answers with the columns of the source `redemptions`."""
    who, row = people(ids, world), rows["row"].to_numpy(np.int64)
    offer = rows["offer"].to_numpy(np.int64)
    return pd.DataFrame(
        {
            "customer_id": customer_names(who.id[row]),
            "campaign_id": campaign,
            "offer_id": np.array(w.OFFERS, dtype=object)[offer],
            "redeemed_at": moments(rows["at"]),
            "discount": np.round(purchases.DISCOUNTS[offer] * who.basket[row] * 2, 2),
        }
    )


def _surveys(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = voices.farewells(who, history, world)
    rows = rows[rows["reason"].notna() & (rows["at"] < w.DAYS)].reset_index(drop=True)
    text = [voices.COMPLAINTS[reason][0] for reason in rows["reason"]]
    return rows.assign(
        customer_id=customer_names(who.id[rows["row"]]),
        answered_at=moments(rows["at"]),
        text=text,
    )


def _terminations(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = voices.farewells(who, history, world)
    rows = rows[rows["is_formal"] & (rows["at"] < w.DAYS)].reset_index(drop=True)
    return rows.assign(
        customer_id=customer_names(who.id[rows["row"]]), terminated_at=moments(rows["at"])
    )


def _card_fraud(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    rows = purchases.orders(who, history, world)
    rows = rows[rows["is_fraud"]].reset_index(drop=True)
    reported = (
        rows["at"]
        + 5
        + 20
        * draws.uniform(
            world.seed, "fraud.reported", who.id[rows["row"]], rows["number"].to_numpy()
        )
    )
    rows = rows.assign(
        customer_id=customer_names(who.id[rows["row"]]), reported_at=moments(reported)
    )
    return rows[reported < w.DAYS]


def _true_customers(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    who, history = lived(ids, world)
    return pd.DataFrame(
        {
            "customer_id": who.names,
            "signup_on": [w.day_name(d) for d in who.signup],
            "left_at": moments(history.left),
            "lifetime_days": history.left - who.signup,
            "reason": np.array(w.REASONS, dtype=object)[who.reason],
            "price": who.price,
            "features": who.features,
            "support": who.support,
            "loyalty": who.loyalty,
            "orders_a_day": who.order_rate,
            "discontent_rate": who.discontent_rate,
        }
    )


def _true_effects(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """True effects at the start of each randomised campaign and on the last simulated day."""
    days = [*w.RANDOM_CAMPAIGNS, w.DAYS - 1]
    return pd.concat([effects.true_effects(ids, world, d) for d in days], ignore_index=True)


SOURCES = {
    "transactions": File(
        "customer_id string, order_id string, product_id string, purchased_at timestamp, "
        "quantity double, amount double, discount double, file_number int",
        _transactions,
    ),
    "customers": File(
        "customer_id string, first_name string, email string, language string, signup_on date, "
        "is_opted_out boolean, age_band string, gender string, region string, plan string, "
        "contract_type string, acquisition_channel string, monthly_charge double",
        _customers,
    ),
    "engagement": File(
        "customer_id string, event_id string, kind string, occurred_at timestamp, feature string, "
        "duration_minutes double, file_number int",
        _engagement,
    ),
    "tickets": File(
        "customer_id string, ticket_id string, opened_at timestamp, resolved_at timestamp, "
        "category string, text string, file_number int",
        _tickets,
    ),
    "reviews": File(
        "customer_id string, review_id string, reviewed_at timestamp, stars double, text string, "
        "file_number int",
        _reviews,
    ),
    "campaigns": File(
        "customer_id string, campaign_id string, offer_id string, contacted_at timestamp, "
        "ends_at timestamp, is_treated boolean, is_randomised boolean",
        _contacts,
    ),
    "redemptions": File(
        "customer_id string, campaign_id string, offer_id string, redeemed_at timestamp, "
        "discount double",
        _redemptions,
    ),
    "exit_surveys": File(
        "customer_id string, answered_at timestamp, reason string, text string", _surveys
    ),
    "terminations": File("customer_id string, terminated_at timestamp", _terminations),
    "card_fraud": File("customer_id string, order_id string, reported_at timestamp", _card_fraud),
    "payments": File(
        "payment_id string, customer_id string, card_id string, device_id string, "
        "merchant_id string, merchant_category string, country string, latitude double, "
        "longitude double, amount double, paid_at timestamp",
        payments,
    ),
    "fraud_labels": File(
        "payment_id string, is_fraud boolean, label_source string, labelled_at timestamp",
        fraud_labels,
    ),
}

TRUTH = {
    "customers_truth": File(
        "customer_id string, signup_on date, left_at timestamp, lifetime_days double, "
        "reason string, price double, features double, support double, loyalty double, "
        "orders_a_day double, discontent_rate double",
        _true_customers,
    ),
    "effects_truth": File(
        "as_of date, customer_id string, offer_id string, horizon_days int, "
        "churn_without double, churn_with double, effect double",
        _true_effects,
    ),
    "fraud_truth": File(
        "payment_id string, is_fraud boolean, kind string, episode_id string", fraud_truth
    ),
}
