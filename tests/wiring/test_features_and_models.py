"""build_features, train_churn, score_customers, roll_back: what a model may know, and which scores."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from chispa import assert_df_equality

from tests.wiring import company_files as files
from tests.wiring.company_files import CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, PLAN_1, PLAN_2

pytestmark = pytest.mark.spark_only
HORIZON = dt.timedelta(days=30)


def labelled(company, *days: dt.date) -> pd.DataFrame:
    """recency_days, tenure_days and churned of the dates, one row per customer and date."""
    dates = ", ".join(f"DATE '{d}'" for d in days)
    return company.sql(
        "SELECT f.as_of, f.customer_id, f.recency_days, f.tenure_days, l.churned "
        "FROM {features.transactions} f JOIN {features.labels} l USING (customer_id, as_of) "
        f"WHERE f.as_of IN ({dates}) AND f.recency_days IS NOT NULL"
    )


def rates_by_recency(rows: pd.DataFrame):
    """The model that scores by recency alone, fitted on the rows."""
    from models.baselines import RecencyOnly

    counts = rows.groupby("recency_days")["churned"].agg(rows="count", churned="sum")
    return RecencyOnly.fit(counts.reset_index())


def test_a_label_says_whether_the_window_has_a_purchase(company):
    bought = {(r["customer"], r["time"][:10]) for r in files.Company().receipts}
    days = [(CAMPAIGN_1 + dt.timedelta(days=n)).isoformat() for n in range(30)]
    rows = labelled(company, CAMPAIGN_1)
    expected = [int(not any((c, d) in bought for d in days)) for c in rows["customer_id"]]
    assert len(rows) > 200 and 0 < sum(expected) < len(rows)
    assert rows["churned"].tolist() == expected


def test_late_receipts_do_not_change_features_of_earlier_days(company, spark):
    """The features of 30 July were built before and after receipts of July came in August."""
    names = ["customer_id", "total_orders", "total_revenue", "recency_days"]
    then = company.noted["features"][names].astype(object)
    now = company.table("features.transactions", f"as_of = DATE '{PLAN_1}'")[names].astype(object)
    assert set(files.LATE_RECEIPTS) <= set(now["customer_id"])
    frames = [
        spark.createDataFrame(
            frame.where(frame.notna(), None).to_numpy().tolist(),
            "customer_id string, total_orders bigint, total_revenue double, recency_days bigint",
        )
        for frame in (then, now)
    ]
    assert_df_equality(*frames, ignore_row_order=True)


def test_rule_scores_use_only_labels_whose_horizon_had_passed(company):
    """On 30 June the labels of 1 and 31 May had passed; that of 30 June itself was in the table."""
    rule = rates_by_recency(labelled(company, CAMPAIGN_1, CAMPAIGN_2))
    recency = company.sql(
        "SELECT customer_id, recency_days FROM {features.transactions} "
        f"WHERE as_of = DATE '{CAMPAIGN_3}'"
    )
    scores = company.noted["rule scores"].merge(recency, on="customer_id")
    assert set(scores["score_basis"]) == {"rule"} and len(scores) > 200
    np.testing.assert_allclose(scores["churn_probability"], rule.predict_proba(scores), rtol=1e-9)
    is_at_risk = scores["churn_probability"] >= scores["decision_threshold"]
    assert is_at_risk.tolist() == (scores["churn_prediction"] == 1).tolist()
    assert is_at_risk.tolist() == (scores["risk_level"] != "LOW").tolist()


def test_the_baselines_are_fitted_before_the_test_date(company):
    rule = rates_by_recency(labelled(company, CAMPAIGN_1, CAMPAIGN_2))
    test = labelled(company, CAMPAIGN_3)
    expected = ((rule.predict_proba(test) - test["churned"]) ** 2).mean()
    measured = company.table(
        "gold.model_comparison",
        "model_name = 'recency_only' AND metric = 'brier' AND population = 'all' AND split = 'test'"
        " AND data_set = 'first'",
    )
    assert measured["value"].tolist() == [pytest.approx(expected, rel=1e-9)]


def test_new_customers_get_the_churn_rate_of_the_dates_before_the_test_date(company):
    """Planted: all new customers of the test date left, so their rate there is 1."""
    rows = labelled(company, CAMPAIGN_1, CAMPAIGN_2)
    new = rows[rows["tenure_days"] < 7]
    assert len(new) >= 30
    scores = company.table(
        "gold.customer_scores", f"as_of = DATE '{PLAN_1}' AND score_basis = 'cold_start'"
    )
    assert len(scores) == files.NEW[7]
    np.testing.assert_allclose(scores["churn_probability"], new["churned"].mean(), rtol=1e-9)


def test_only_active_and_silent_customers_are_scored(company):
    kept = company.sql(
        "SELECT as_of, customer_id FROM {gold.customer_segments} "
        "WHERE lifecycle IN ('active', 'silent') ORDER BY ALL"
    )
    scored = company.sql("SELECT as_of, customer_id FROM {gold.customer_scores} ORDER BY ALL")
    lost = company.table("gold.customer_segments", "lifecycle = 'lost'")
    assert len(lost) > 20
    pd.testing.assert_frame_equal(kept, scored)


def test_a_better_model_is_deployed_and_a_rollback_restores_the_previous_one(company):
    assert company.noted["aliases trained"] == {"champion": "1", "challenger": "2"}
    assert company.noted["aliases before"] == {"champion": "2", "challenger": "2", "previous": "1"}
    assert company.noted["aliases"] == {"champion": "1", "challenger": "2", "previous": "2"}
    first = company.table("gold.customer_scores", f"as_of = DATE '{PLAN_1}'")
    assert set(first["model_version"]) == {"1"}


def test_each_check_of_both_versions_is_recorded(company):
    rows = company.table("gold.model_validations")
    judged = rows[["model_version", "champion_version", "data_set"]].drop_duplicates()
    assert sorted(judged.values.tolist()) == [["1", "-", "first"], ["2", "1", "second"]]
    assert rows["is_accepted"].all() and rows["is_passed"].all()
    brier = rows[rows["check_name"] == "brier_rise"]
    assert brier["model_version"].tolist() == ["2"]
    assert (brier["value"] < 0).all() and (brier["ci_high"] <= brier["bound"]).all()
    assert set(brier["tested_on"].dt.date) == {PLAN_2 - HORIZON}


def test_champion_and_challenger_score_half_of_the_customers_each(company):
    arms = company.table("gold.model_arms").sort_values("arm")
    assert arms[["arm", "model_version", "share"]].values.tolist() == [
        ["challenger", "2", 0.5],
        ["champion", "1", 0.5],
    ]
    scores = company.table("gold.customer_scores", f"as_of = DATE '{PLAN_2}'")
    sizes = scores["model_version"].value_counts()
    # 4 standard errors of a half of some 260 customers: 4 x sqrt(260 / 4) = 32.
    assert sizes.sum() == len(scores) and abs(sizes["1"] - sizes["2"]) <= 2 * 32
