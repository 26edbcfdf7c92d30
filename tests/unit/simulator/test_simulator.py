"""The simulated company: independent of partitions, with the stated flaws and true effects."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from contracts import catalog
from simulator import delivery, effects, files, responses, world as w
from simulator.lives import lives
from simulator.people import people

WORLD = w.World(seed=11, customers=3_000)
IDS = np.arange(3_000)
DAY = 280  # the randomised campaign of day 100 + 4 * 45


@pytest.fixture(scope="module")
def bought():
    return files.rows_of("transactions", IDS, WORLD)


@pytest.mark.parametrize("name", [*files.SOURCES, *files.TRUTH])
def test_any_cut_and_order_of_the_customers_gives_the_same_rows(name):
    ids, world = np.arange(60), w.World(seed=3, customers=60)
    whole = files.rows_of(name, ids, world)
    parts = [files.rows_of(name, part, world) for part in (ids[41:][::-1], ids[:1], ids[1:41])]
    columns = list(whole.columns)
    together = pd.concat([p for p in parts if len(p)]).astype(whole.dtypes)

    def ordered(rows):
        return rows.sort_values(columns, ignore_index=True)

    pd.testing.assert_frame_equal(ordered(together), ordered(whole))


def test_another_seed_is_another_company():
    first, second = (files.rows_of("transactions", IDS[:50], w.World(s, 50)) for s in (1, 2))
    assert (
        not first["amount"].reset_index(drop=True).equals(second["amount"].reset_index(drop=True))
    )


@pytest.mark.parametrize("name", files.SOURCES)
def test_a_source_has_the_columns_that_it_declares(name):
    ids = np.arange(200)
    assert list(files.rows_of(name, ids, WORLD).columns) == files.SOURCES[name].names


def test_every_known_kind_and_reason_is_one_that_silver_accepts():
    ids = np.arange(400)
    kinds = {"engagement": "engagement_events", "exit_surveys": "exit_surveys"}
    for source, table in kinds.items():
        rows = files.rows_of(source, ids, WORLD)
        for rule in catalog.tables()[f"silver.{table}"].rules:
            if rule.name.endswith("_one_of"):
                allowed = rule.passes.partition("IN (")[2].rstrip(")").replace("'", "").split(", ")
                assert set(rows[rule.columns[0]].dropna()) == set(allowed)


def test_shares_of_duplicate_and_late_rows_and_the_heavy_tail_are_as_stated(bought):
    key = ["order_id", "product_id"]
    doubled = bought.duplicated(key).mean()
    # A share of 0.005 of about 170,000 rows has a standard error of 0.0002.
    assert abs(doubled - delivery.TWICE) < 4 * np.sqrt(delivery.TWICE / len(bought))
    # A duplicate differs only in its file, which is one quarter later.
    assert bought.drop(columns="file_number").duplicated().sum() == bought.duplicated(key).sum()
    first = bought.drop_duplicates(key)
    start = pd.Timestamp(w.FIRST_DAY)
    quarter = ((first["purchased_at"] - start).dt.total_seconds() / 86_400 // 90).astype(int)
    late = (first["file_number"] > quarter)[quarter < 6].mean()
    assert abs(late - delivery.LATE) < 4 * np.sqrt(delivery.LATE / len(first))
    # Heavy tail: the largest 1 % of the lines have far more than 1 % of the revenue.
    amounts = np.sort(first["amount"])[::-1]
    assert amounts[: len(amounts) // 100].sum() > 0.04 * amounts.sum()


def test_a_share_of_the_rows_is_never_delivered(bought):
    from simulator import purchases

    who = people(IDS, WORLD)
    whole = len(purchases.lines(who, purchases.orders(who, lives(who, WORLD), WORLD), WORLD))
    missing = 1 - len(bought.drop_duplicates(["order_id", "product_id"])) / whole
    assert abs(missing - delivery.MISSING) < 4 * np.sqrt(delivery.MISSING / whole)


def test_december_and_the_week_end_sell_more(bought):
    days = bought["purchased_at"].dt.date.value_counts()
    by_weekday = days.groupby([d.weekday() for d in days.index]).mean()
    assert by_weekday.idxmax() == 5  # Saturday, 1.25
    # The growth of the customer base hides the season in the data, so test the factor itself.
    december = w.season(np.array([(dt.date(2025, 12, 15) - w.FIRST_DAY).days], float))
    june = w.season(np.array([(dt.date(2025, 6, 16) - w.FIRST_DAY).days], float))
    # Both are Mondays (0.9): 0.9 * 1.25 and about 0.9 * 0.75.
    assert december[0] == pytest.approx(0.9 * 1.25, abs=1e-9)
    assert june[0] == pytest.approx(0.9 * 0.75, abs=0.005)


def test_nobody_does_anything_before_signing_up_or_after_leaving():
    who = people(IDS[:500], WORLD)
    left = lives(who, WORLD).left
    start = pd.Timestamp(w.FIRST_DAY)
    rows = files.rows_of("engagement", IDS[:500], WORLD)
    mine = rows[rows["kind"] == "login"]
    number = mine["customer_id"].str.slice(1).astype(int)
    at = (mine["occurred_at"] - start).dt.total_seconds() / 86_400
    slack = 1 / 86_400  # times are rounded to the second
    assert (at >= who.signup[number] - slack).all()
    assert not (at > left[number] + slack).any()


def test_random_campaigns_have_a_control_group_and_targeted_ones_none():
    rows = files.rows_of("campaigns", IDS, WORLD)
    random = rows[rows["is_randomised"]]
    share = 1 - random["is_treated"].mean()
    assert abs(share - w.HELD_OUT_SHARE) < 4 * np.sqrt(0.25 * 0.75 / len(random))
    assert rows[~rows["is_randomised"]]["is_treated"].all()
    assert random[~random["is_treated"]]["offer_id"].isna().all()
    assert set(random["offer_id"].dropna()) == set(w.TESTED_OFFERS)


def test_only_the_stated_share_of_lost_customers_terminates_formally(bought):
    truth = files.rows_of("customers_truth", IDS, WORLD)
    left = truth[truth["left_at"] < pd.Timestamp(w.day_name(w.DAYS - 30))]
    formal = set(files.rows_of("terminations", IDS, WORLD)["customer_id"])
    share = left["customer_id"].isin(formal).mean()
    assert abs(share - 0.6) < 4 * np.sqrt(0.24 / len(left))


# ------------------------------------------------------------------ effects


def luck(offers, turns=12):
    """Mean churn per customer over several independent draws of the horizon."""
    drawn = [
        responses.responses(IDS, offers, WORLD, day=DAY, turn=f"turn{n}")["churned"].to_numpy()
        for n in range(turns)
    ]
    return np.mean(drawn, axis=0)


@pytest.fixture(scope="module")
def truth():
    who = people(IDS, WORLD)
    without, with_offer = effects.churn_probabilities(
        who, effects.state_at(who, WORLD, DAY), DAY, horizon=30
    )
    return who.signup < DAY, without, with_offer


def test_churn_without_an_offer_equals_the_true_probability(truth):
    known, without, _ = truth
    seen = luck(np.full(len(IDS), -1))[known]
    # The mean of 12 turns has the variance p (1 - p) / 12 per customer.
    p = without[known]
    error = np.sqrt((p * (1 - p) / 12).sum()) / known.sum()
    assert abs(seen.mean() - p.mean()) < 4 * error
    # Also within groups by risk, not only in total.
    for group in np.array_split(np.argsort(p), 5):
        error = np.sqrt((p[group] * (1 - p[group]) / 12).sum()) / len(group)
        assert abs(seen[group].mean() - p[group].mean()) < 4 * error + 1e-9


@pytest.mark.parametrize("offer", range(6), ids=w.OFFERS)
def test_churn_with_an_offer_equals_the_true_probability(truth, offer):
    known, _, with_offer = truth
    p = with_offer[known, offer]
    seen = luck(np.full(len(IDS), offer))[known]
    for group in np.array_split(np.argsort(p), 3):
        error = np.sqrt((p[group] * (1 - p[group]) / 12).sum()) / len(group)
        assert abs(seen[group].mean() - p[group].mean()) < 4 * error + 1e-9


def test_the_control_group_of_a_random_campaign_churns_with_the_true_probability(bought):
    """Uses the delivered receipts, in the same way as the product."""
    sent = files.rows_of("campaigns", IDS, WORLD)
    held = sent[(sent["campaign_id"] == f"test-{w.day_name(DAY)}") & ~sent["is_treated"]]
    begin = pd.Timestamp(w.day_name(DAY))
    window = bought["purchased_at"].between(begin, begin + pd.Timedelta(days=30), "left")
    active = set(bought[window]["customer_id"])
    churned = ~held["customer_id"].isin(active)
    true = effects.true_effects(IDS, WORLD, DAY)
    p = true[true["offer_id"] == "discount_10"].set_index("customer_id")["churn_without"]
    p = p[held["customer_id"]].to_numpy()
    assert abs(churned.mean() - p.mean()) < 4 * np.sqrt((p * (1 - p)).sum()) / len(p)


def test_different_customers_have_different_best_offers_and_some_offers_do_harm(truth):
    known, without, with_offer = truth
    effect = (without[:, None] - with_offer)[known]
    best = effect.argmax(axis=1)
    assert len(set(best)) >= 4
    manager = w.OFFERS.index("personal_manager")
    assert (effect[:, manager] < -0.01).mean() > 0.05
    # No offer has an effect on a customer who has left.
    gone = without[known] == 1.0
    assert gone.any() and (effect[gone] == 0).all()
