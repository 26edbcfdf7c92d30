"""Fraud scores of a simulated company beside amount and velocity rules; /fraud/score under load."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measure import Section
from models.fraud.features import features
from models.fraud.fitting import Plan, fitted
from models.fraud.payments import DAY, Payments
from models.fraud.training import Capacity, anomaly, frame_of
from models.fraud.windows import states
from simulator import world as w
from simulator.files import rows_of

# The seeds of the tests of the simulator are 3 and 11: constants and rules were looked at there.
SEED, CUSTOMERS = 2027, 12_000
# Days since FIRST_DAY. Payments begin on day 370, so 90 days are known before the test begins.
TRAINED_ON, TEST_ENDS = 520, 549
CAPACITY, VALIDATION_DAYS, LABEL_DAYS = 100, 28, 60
DRAWS = 1_000
# Fraud that is not noticed within a day counts as a day.
MOST_SECONDS = 86_400
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Company:
    """Payments in order of arrival, the truth, and the features."""

    payments: Payments
    is_fraud: NDArray[np.bool_]
    made: dict[str, Any]
    labels: pd.DataFrame


def company(customers: int = CUSTOMERS, seed: int = SEED) -> Company:
    """The whole company."""
    world, ids = w.World(seed, customers), np.arange(customers)
    paid, truth = rows_of("payments", ids, world), rows_of("fraud_truth", ids, world)
    payments = payments_of(paid)
    is_fraud = np.isin(payments.payment_id.astype(str), truth["payment_id"].to_numpy(str))
    made = features(payments, states(payments))
    return Company(payments, is_fraud, made, rows_of("fraud_labels", ids, world))


def payments_of(paid: pd.DataFrame) -> Payments:
    """Rows of the simulator as payments."""
    times = paid["paid_at"].to_numpy("datetime64[us]").astype(np.int64)
    cents = np.round(paid["amount"].to_numpy() * 100).astype(np.int64)
    return Payments.from_frame(paid.assign(cents=cents, paid_at=times, received_at=pd.NA))


def micros(day: int) -> int:
    """00:00 UTC of a simulated day."""
    moment = dt.datetime.combine(w.day_name(day), dt.time(), dt.UTC)
    return int(moment.timestamp()) * 10**6


def scores(whole: Company) -> tuple[dict[str, Floats], pd.DataFrame]:
    """The score of every payment by who gives it, and what training saw."""
    known = whole.payments.take(np.flatnonzero(whole.payments.paid_at < micros(TRAINED_ON)))
    labels = whole.labels
    is_known = labels["labelled_at"] < pd.Timestamp(w.day_name(TRAINED_ON))
    frauds = labels[is_known & labels["is_fraud"]]["payment_id"].tolist()
    capacity = Capacity(CAPACITY, VALIDATION_DAYS, 0.95)
    plan = Plan(micros(TRAINED_ON), LABEL_DAYS, VALIDATION_DAYS, 50, capacity, 1)
    fit = fitted(known, frauds, plan)
    assert fit.label is not None
    before = whole.payments.paid_at < micros(TRAINED_ON - VALIDATION_DAYS)
    unlabelled = anomaly({n: v[before] for n, v in whole.made.items()}, seed=1)
    frame = frame_of(whole.made)
    made = whole.made
    velocity = np.nan_to_num(made["card_count_1h"]) + np.nan_to_num(made["card_amount_1h"]) / 1e7
    scores = {
        "holdfast": fit.model.predict_proba(frame),
        "holdfast, no labels (anomaly)": unlabelled.predict_proba(frame),
        "amount": made["amount"],
        "velocity (payments and amount of the card in 1 h)": velocity,
    }
    return scores, pd.DataFrame([{"frauds": fit.frauds, "validation": len(fit.label)}])


def alerts(whole: Company, score: Floats) -> NDArray[np.bool_]:
    """Alerts at the threshold that the last 28 days before training had 100 of a day."""
    t = whole.payments.paid_at
    days = (t >= micros(TRAINED_ON - VALIDATION_DAYS)) & (t < micros(TRAINED_ON))
    return score >= np.sort(score[days])[-CAPACITY * VALIDATION_DAYS]


def card_precision(whole: Company, score: Floats) -> Floats:
    """Per test day the share of cards with fraud that day among the 100 highest-scored cards.

    A card is scored by its highest payment of the day. Cards that were found leave the list.
    """
    frame = pd.DataFrame(
        {
            "day": (whole.payments.paid_at - micros(TRAINED_ON)) // DAY,
            "card": whole.payments.card_id,
            "score": score,
            "is_fraud": whole.is_fraud,
        }
    )
    inside = frame[(frame["day"] >= 0) & (frame["day"] < TEST_ENDS - TRAINED_ON)]
    cards = inside.groupby(["day", "card"], sort=True).max().reset_index()
    caught: set[str] = set()
    shares = []
    for _, rows in cards.groupby("day"):
        left = rows[~rows["card"].isin(caught)]
        top = left.sort_values(["score", "card"], ascending=[False, True]).head(CAPACITY)
        hits = top[top["is_fraud"]]["card"]
        caught |= set(hits)
        shares.append(len(hits) / CAPACITY)
    return np.array(shares)


def per_card(whole: Company, is_alert: NDArray[np.bool_]) -> pd.DataFrame:
    """One row per card with fraud in the test days: value, saved, seconds (see `run`)."""
    t = whole.payments.paid_at
    inside = whole.is_fraud & (t >= micros(TRAINED_ON)) & (t < micros(TEST_ENDS))
    rows = pd.DataFrame(
        {
            "card": whole.payments.card_id[inside],
            "t": t[inside],
            "amount": whole.payments.cents[inside] / 100,
            "is_alert": is_alert[inside],
        }
    )
    rows["is_saved"] = rows.groupby("card")["is_alert"].cummax()
    rows["saved"] = rows["amount"].where(rows["is_saved"], 0.0)
    rows["alert_at"] = rows["t"].where(rows["is_alert"])
    made = rows.groupby("card").agg(
        value=("amount", "sum"), saved=("saved", "sum"), begin=("t", "min"), at=("alert_at", "min")
    )
    waited = (made["at"] - made["begin"]) / 1e6
    return made.assign(seconds=waited.fillna(MOST_SECONDS).clip(upper=MOST_SECONDS))


def run(spark: Any, folder: Path) -> Section:
    """Card precision, fraud value saved and seconds to block, each with paired intervals."""
    began = time.perf_counter()
    whole = company()
    by_who, seen = scores(whole)
    t = whole.payments.paid_at
    test = (t >= micros(TRAINED_ON)) & (t < micros(TEST_ENDS))
    days = TEST_ENDS - TRAINED_ON
    section = Section(
        "Fraud on a simulated company",
        f"{CUSTOMERS:,} customers, seed {SEED}, {len(t):,} payments of 180 days. Trained on what "
        f"was known on day {TRAINED_ON} ({seen['frauds'][0]} labelled frauds), tested on the "
        f"{days} days after it: {test.sum():,} payments, {(whole.is_fraud & test).sum()} of them "
        f"fraud. Card precision: share of cards with fraud among the {CAPACITY} highest of a day, "
        "mean of the days; found cards leave the list. Value saved: an alert stops the payment and "
        f"later fraud on the card; thresholds give {CAPACITY} alerts a day on the "
        f"{VALIDATION_DAYS} days before. Seconds to block: from a card's first fraudulent payment "
        "to the first alert on one, a day at most; mean. Differences are paired by day or card, "
        f"95 % intervals from {DRAWS:,} resamplings.",
        ("who", "card precision", "alerts a day", "value saved", "seconds to block", "never found"),
    )
    figures = {}
    for name, score in by_who.items():
        is_alert = alerts(whole, score)
        cards = per_card(whole, is_alert)
        precision = card_precision(whole, score)
        figures[name] = (precision, cards)
        section.add(
            name,
            f"{precision.mean():.4f}",
            f"{is_alert[test].sum() / days:.0f}",
            f"{cards['saved'].sum() / cards['value'].sum():.3f}",
            f"{cards['seconds'].mean():,.0f}",
            f"{cards['at'].isna().mean():.3f}",
        )
    best = card_precision(whole, whole.is_fraud.astype(np.float64)).mean()
    section.add("perfect ranking", f"{best:.4f}", "", "1", "0", "0")
    for name, (precision, cards) in figures.items():
        if name != "holdfast":
            _compare(section, name, figures["holdfast"], (precision, cards))
    section.how += f" The section took {time.perf_counter() - began:.0f} s."
    return section


def _compare(section: Section, name: str, own: Any, other: Any) -> None:
    gains: dict[str, tuple[Callable[[Any], float], str]] = {
        "card precision": (lambda k: float((own[0] - other[0])[k].mean()), "days"),
        "value saved": (
            lambda k: _saved(own[1].iloc[k]) - _saved(other[1].iloc[k]),
            "cards",
        ),
        "seconds to block": (
            lambda k: float((own[1]["seconds"] - other[1]["seconds"]).to_numpy()[k].mean()),
            "cards",
        ),
    }
    for what, (gain, unit) in gains.items():
        count = len(own[0]) if unit == "days" else len(own[1])
        rng = np.random.default_rng(1)
        drawn = [gain(rng.integers(count, size=count)) for _ in range(DRAWS)]
        low, high = np.percentile(drawn, (2.5, 97.5))
        value = gain(np.arange(count))
        section.verdicts.append(
            f"{what}, holdfast - {name}: {value:.4g} ({low:.4g} to {high:.4g}, {count} {unit})"
        )
        print("  ", section.verdicts[-1], flush=True)


def _saved(cards: pd.DataFrame) -> float:
    return float(cards["saved"].sum() / cards["value"].sum())
