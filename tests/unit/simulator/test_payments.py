"""Payments and fraud of the simulated company: known kinds, late and selected labels."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import files, world as w
from simulator.frauds import KINDS

WORLD = w.World(seed=11, customers=3_000)
IDS = np.arange(3_000)


@pytest.fixture(scope="module")
def rows():
    paid = files.rows_of("payments", IDS, WORLD)
    truth = files.rows_of("fraud_truth", IDS, WORLD)
    labels = files.rows_of("fraud_labels", IDS, WORLD)
    made = paid.merge(truth, on="payment_id", how="left", validate="1:1")
    return made.merge(labels, on="payment_id", how="left", suffixes=("", "_label"))


def test_every_kind_of_fraud_is_there(rows):
    assert {*rows["kind"].dropna()} == {*KINDS}
    assert rows["payment_id"].is_unique
    assert 0.002 < rows["is_fraud"].notna().mean() < 0.01


def test_each_kind_leaves_its_trace(rows):
    of = {kind: rows[rows["kind"] == kind] for kind in KINDS}
    own = rows["device_id"].fillna("d").str.startswith("d")

    assert own[rows["is_fraud"].isna()].all()
    for kind in ("stolen_card", "account_takeover", "card_testing"):
        assert not own[of[kind].index][of[kind]["device_id"].notna()].any()
    assert own[of["merchant_collusion"].index].all()
    cards = of["card_testing"].groupby("episode_id")["card_id"].nunique()
    assert cards.median() > 10 and (of["card_testing"]["amount"] < 3).mean() > 0.7
    assert of["merchant_collusion"]["merchant_id"].nunique() <= 4
    assert of["stolen_card"].groupby("episode_id").size().min() >= 1
    assert (of["stolen_card"]["country"] != "DE").mean() > 0.4


def test_labels_are_right_late_and_selected(rows):
    known = rows[rows["label_source"].notna()]
    delay = (known["labelled_at"] - known["paid_at"]).dt.total_seconds() / 86_400
    is_review = known["label_source"] == "review"

    assert (known["is_fraud_label"] == known["is_fraud"].notna()).all()
    assert known[~is_review]["is_fraud_label"].all()  # only fraud is disputed
    assert delay[is_review].max() < 1.6 and delay[~is_review].min() > 2.9
    assert 10 < delay[~is_review].median() < 16
    # Reviews look at large payments: their share of fraud is not that of all payments.
    assert known[is_review]["amount"].median() > 4 * rows["amount"].median()
    old = rows[rows["paid_at"] < rows["paid_at"].max() - np.timedelta64(80, "D")]
    missed = old[old["is_fraud"].notna()]["label_source"].isna().mean()
    assert 0.01 < missed < 0.12
