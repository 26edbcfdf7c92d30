"""fit_lifetime on a small real lake with a real registry."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from shutil import ignore_patterns

import numpy as np
import pandas as pd
import pytest

from models.btyd.choice import fit_model
from models.btyd.scoring import DECIMALS
from models.btyd.worth import LifetimeModel
from models.survival.distributed import SparkRows
from models.survival.worth import SurvivalWorth
from pipelines.lifetime import lifetime_fitting
from pipelines.lifetime.landmarks import Landmarks, feature_dates
from pipelines.lifetime.lifetime_run import EXAMPLE, example_of
from pipelines.lifetime.summaries import SparkLikelihood, Summaries
from pipelines.lifetime.survival_fits import fit_one
from pipelines.offers import retention_planning
from runtime.model_registry import CHAMPION, Registry
from runtime.settings import load
from tests.jobs.lifetime_lake import (
    AS_OF,
    BEFORE,
    lifetime_context,
    of_now,
    purchases,
    rows_of,
    write_lifetime_lake,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
OF_SURVIVAL = ("survival_spend_rate", "return_rate")


def test_every_customer_has_one_row_with_finite_values(fitted):
    rows = of_now(rows_of(fitted, "gold.customer_lifetime"))
    known = {customer for customer, day, _ in purchases() if day < AS_OF}
    assert sorted(rows["customer_id"]) == sorted(known)
    assert set(rows["clv_basis"]) <= {"btyd_gamma_gamma", "btyd_credibility", *OF_SURVIVAL}
    money = rows[["clv_30d", "clv_12m", "clv_12m_low", "clv_12m_high", "value_at_stake"]]
    assert np.isfinite(money.to_numpy()).all() and (money >= 0).all().all()
    is_survival = rows["clv_basis"].isin(OF_SURVIVAL)
    chosen = rows["clv_12m_survival"].where(is_survival, rows["clv_12m_btyd"])
    assert rows["clv_12m"].equals(chosen)


def test_customers_who_can_be_kept_have_a_remaining_lifetime_and_lost_ones_have_none(fitted):
    rows = of_now(rows_of(fitted, "gold.customer_lifetime"))
    silent = rows["observed_days"] - rows["recency_days"] + 1
    kept, lost = rows[silent <= 90], rows[silent > 90]
    assert len(kept) and len(lost)
    assert kept["remaining_lifetime_days"].between(0, 1096).all()
    assert (kept["clv_12m_survival"] >= 0).all()
    assert lost[["remaining_lifetime_days", "likely_churn_date"]].isna().all().all()
    assert lost.loc[lost["clv_basis"] == "return_rate", "clv_12m"].notna().all()
    assert lost["clv_12m"].median() < kept["clv_12m"].median()
    dated = kept[kept["likely_churn_date"].notna()]
    assert len(dated) and (pd.to_datetime(dated["likely_churn_date"]).dt.date > AS_OF).all()
    assert (dated["earliest_churn_date"] <= dated["likely_churn_date"]).all()
    bounded = dated[dated["latest_churn_date"].notna()]
    assert (bounded["likely_churn_date"] <= bounded["latest_churn_date"]).all()
    chances = rows[["survival_36m", "survival_12m", "survival_3m", "survival_1m"]]
    assert chances.loc[lost.index].isna().all().all()
    assert (chances.loc[kept.index].diff(axis=1).iloc[:, 1:] >= 0).all().all()
    assert kept["p_leaves_30d"].between(0, kept["p_leaves_90d"]).all()
    assert kept["p_leaves_90d"].between(0, 1).all()
    known = rows[rows["p_alive"].notna()]
    assert len(known) and (known["p_alive_30d"] <= known["p_alive"]).all()
    assert (known["p_alive_90d"] <= known["p_alive_30d"]).all()
    # In this data, a customer who was silent for longer is more likely to have left.
    days = kept["remaining_lifetime_days"]
    assert days[silent[kept.index] > 60].mean() < days[silent[kept.index] <= 20].mean()


def test_the_next_purchase_lies_ahead_and_is_judged(fitted):
    """One in seven purchases is the last: after a long silence there is no date."""
    rows = of_now(rows_of(fitted, "gold.customer_lifetime"))
    silent = rows["observed_days"] - rows["recency_days"] + 1
    assert rows["next_purchase_on"][silent <= 20].notna().all()
    dated = rows[rows["next_purchase_on"].notna()]
    assert 100 < len(dated) < len(rows)
    low, middle = dated["next_purchase_low"], dated["next_purchase_on"]
    assert (low >= AS_OF).all() and (low <= middle).all()
    ended = dated[dated["next_purchase_high"].notna()]
    assert (ended["next_purchase_on"] <= ended["next_purchase_high"]).all()
    for name in ("days_overdue", "overdue_percentile"):
        assert (rows[name].isna() == (rows["frequency"] == 0)).all(), name
    assert rows["days_overdue"].min() == 0 and rows["overdue_percentile"].max() <= 100
    assert (rows["days_overdue"].dropna() < silent[rows["frequency"] > 0]).all()
    models = of_now(rows_of(fitted, "gold.lifetime_models"))
    names = set(models[models["model_name"] == "gamma_gap"]["parameter"])
    assert names == {"shape", "r", "alpha", "evidence", "never"}
    tests = rows_of(fitted, "gold.clv_backtest")
    tests = tests[tests["approach"] == "gamma_gap"].set_index("metric")
    assert (tests["customers"] > 0).all() and tests["is_chosen"].isna().all()
    assert 0 <= tests.loc["next_purchase_coverage_80", "value"] <= 1
    assert tests.loc["next_purchase_median_error_days", "value"] >= 0


def test_the_registered_survival_models_predict(fitted):
    import mlflow

    registry = Registry(lifetime_context(fitted).settings, "survival")
    champion = registry.by_alias(CHAMPION)
    assert champion.tags["as_of"] == AS_OF.isoformat()
    others = registry.further_models(champion, "survival")
    kinds = {"cox", "weibull_aft", "discrete_hazard"}
    model = SurvivalWorth.from_json(champion.portable)
    assert {model.kind, *others} == kinds
    example = example_of(model)
    served = mlflow.pyfunc.load_model(f"models:/survival@{CHAMPION}").predict(example)
    pd.testing.assert_frame_equal(served, model.predict(example))
    for text in others.values():
        assert np.isfinite(SurvivalWorth.from_json(text).predict(example)["clv_12m"]).all()


def test_rows_in_spark_give_the_same_fit_as_rows_on_the_driver(fitted):
    context = lifetime_context(fitted)
    dates = feature_dates(context)
    summaries = Summaries.at(context, [*dates, AS_OF])
    whole = Landmarks.at(context, summaries, [*dates, AS_OF], dates=dates)
    assert whole.is_whole
    coefficients = {}
    for landmarks in (whole, replace(whole, is_whole=False)):
        life, _ = fit_one(context.settings, landmarks.seen(AS_OF), "weibull_aft")
        coefficients[landmarks.is_whole] = life.model.coefficients
    context.lake.forget()
    assert coefficients[False] == pytest.approx(coefficients[True], rel=1e-6)


def test_survival_curves_of_segments_never_rise(fitted):
    rows = of_now(rows_of(fitted, "gold.segment_survival")).sort_values(["segment", "days_ahead"])
    assert "all" in set(rows["segment"])
    for _, curve in rows.groupby("segment"):
        assert (curve["survival"].diff().dropna() <= 1e-12).all()
        assert (curve["ci_low"] <= curve["survival"]).all()
        assert (curve["survival"] <= curve["ci_high"]).all()


def test_the_table_has_the_predictions_of_the_registered_model(fitted):
    import mlflow

    registry = Registry(lifetime_context(fitted).settings, "lifetime")
    champion = registry.by_alias(CHAMPION)
    assert champion.tags["as_of"] == AS_OF.isoformat()
    rows = of_now(rows_of(fitted, "gold.customer_lifetime")).reset_index(drop=True)
    inputs = rows[["frequency", "recency_days", "monetary_value"]].astype(float)
    inputs["T_days"] = rows["observed_days"].astype(float)
    portable = LifetimeModel.from_json(champion.portable).predict(inputs)
    served = mlflow.pyfunc.load_model(f"models:/lifetime@{CHAMPION}").predict(inputs)
    rows["clv_12m"] = rows["clv_12m_btyd"]
    for column in ("p_no_purchase", "expected_purchases_90d", "clv_12m"):
        # The values in the table are rounded.
        last_digit = 0.51 * 10.0 ** -DECIMALS[column]
        expected = pytest.approx(rows[column].to_numpy(), rel=1e-9, abs=last_digit)
        assert portable[column].to_numpy() == expected
        assert served[column].to_numpy() == pytest.approx(portable[column].to_numpy(), rel=1e-12)


def test_the_other_converged_models_predict_too(fitted):
    registry = Registry(lifetime_context(fitted).settings, "lifetime")
    champion = registry.by_alias(CHAMPION)
    others = registry.further_models(champion, "lifetime")
    rows = of_now(rows_of(fitted, "gold.lifetime_models"))
    converged = rows[rows["model_name"].str.endswith("nbd") & rows["converged"].eq(True)]
    chosen = LifetimeModel.from_json(champion.portable)
    assert {chosen.name, *others} == set(converged["model_name"]) and others
    for name, text in others.items():
        model = LifetimeModel.from_json(text)
        assert (model.name, model.spend, model.terms) == (name, chosen.spend, chosen.terms)
        assert np.isfinite(model.predict(EXAMPLE)["clv_12m"]).all()


def test_the_models_are_compared_and_one_is_chosen(fitted):
    rows = of_now(rows_of(fitted, "gold.lifetime_models"))
    chosen = rows[rows["is_chosen"] & rows["model_name"].str.endswith("nbd")]
    assert chosen["model_name"].nunique() == 1
    held_out = rows[rows["parameter"] == "held_out_log_likelihood"].set_index("model_name")["value"]
    assert held_out.idxmax() == chosen["model_name"].iloc[0]
    assert {"bg_nbd", "mbg_nbd", "pareto_nbd", "timing"} <= set(rows["model_name"])
    assert {"cox", "weibull_aft", "discrete_hazard", "spend_rate"} <= set(rows["model_name"])
    brier = rows[rows["parameter"] == "integrated_brier"].set_index("model_name")
    assert set(brier.index[brier["is_chosen"]]) == {brier["value"].idxmin()}
    rival = rows[rows["parameter"] == "integrated_brier_of_kaplan_meier"]["value"].iloc[0]
    assert brier["value"].min() < rival
    assert "p_value_proportional all covariates" in set(rows["parameter"])
    # The hazard and the spend rates use several rows per customer.
    periods = rows[rows["parameter"] == "person_periods"].iloc[0]
    customers = rows.loc[rows["model_name"] == "cox", "customers"].max()
    assert periods["value"] > periods["customers"] == customers
    assert (rows.loc[rows["model_name"] == "spend_rate", "customers"] <= customers).all()
    # In this data, purchases are random.
    regular = rows.set_index("parameter")["value"]["gap_std_over_mean"]
    assert 0.6 < regular < 1.3


def test_lifetime_models_and_classifiers_are_compared_on_the_same_labels(fitted):
    rows = rows_of(fitted, "gold.model_comparison")
    assert {"bg_nbd", "mbg_nbd", "pareto_nbd"} <= set(rows["model_name"])
    assert {"cox", "weibull_aft", "discrete_hazard"} <= set(rows["model_name"])
    auc = rows.query("population == 'all' and metric == 'roc_auc'").set_index("model_name")["value"]
    # In this data, the probability of silence must rank the silent customers high.
    assert (auc > 0.75).all()


def test_backtest_forecasts_are_evaluated(fitted):
    rows = rows_of(fitted, "gold.clv_backtest")
    approaches = {"btyd", "survival", "last_period", "boosted_trees", "gamma_gap"}
    assert set(rows["approach"]) == approaches
    picked = rows[rows["is_chosen"] == True]  # noqa: E712 - null counts as false
    assert set(picked["approach"]) <= {"btyd", "survival"} and len(picked)
    of_last_cut = rows[pd.to_datetime(rows["cut"]).dt.date == BEFORE]
    mae = of_last_cut.query("metric == 'value_mae'").set_index("approach")["value"]
    assert mae["btyd"] < mae["last_period"]


def _versions(root):
    context = lifetime_context(root)
    return {n: context.lake.version(n) for n in context.tables if context.lake.exists(n)}


def test_a_second_run_changes_nothing(fitted):
    before = _versions(fitted)
    registry = Registry(lifetime_context(fitted).settings, "lifetime")
    version = registry.by_alias(CHAMPION).version
    lifetime_fitting.run(lifetime_context(fitted))
    retention_planning.run(lifetime_context(fitted))
    assert _versions(fitted) == before
    assert registry.by_alias(CHAMPION).version == version


def test_sums_in_spark_give_the_same_fit_as_rows_on_the_driver(fitted):
    values = {}
    for most in (1_000_000, 10):
        context = lifetime_context(fitted, most_rows_on_driver=most)
        whole = Summaries.at(context, [AS_OF]).purchases(AS_OF)
        assert (whole.in_spark is None) == (most > 10)
        fit = fit_model("bg_nbd", whole.rows, whole.likelihood("bg_nbd"), customers=whole.customers)
        values[most] = fit.values
        context.lake.forget()
    assert values[10] == pytest.approx(values[1_000_000], rel=1e-8)


BOUNDED = ("bg_nbd", "gamma_gamma", "credibility", "weibull_aft")


def test_more_rows_than_the_driver_holds_give_the_same_parameters(fitted, tmp_path, monkeypatch):
    """The whole job with both bounds low: Spark sums the likelihoods and the survival sums."""
    root = Path(shutil.copytree(fitted, tmp_path / "lakehouse", ignore=ignore_patterns("ml*")))
    whole = of_now(rows_of(root, "gold.lifetime_models"))
    survival = load("demo").lifetime.survival.model_dump()
    survival |= {"models": ["weibull_aft"], "most_rows_on_driver": 2_000}
    sums, likelihood, spread = [], SparkLikelihood.__call__, SparkRows.of
    monkeypatch.setattr(
        SparkLikelihood, "__call__", lambda self, at: sums.append(self.name) or likelihood(self, at)
    )
    monkeypatch.setattr(SparkRows, "of", lambda frame: sums.append("survival") or spread(frame))

    lifetime_fitting.run(
        lifetime_context(root, models=["bg_nbd"], most_rows_on_driver=10, survival=survival)
    )

    assert {"bg_nbd", "gamma_gamma", "survival"} <= set(sums)
    keys, sampled = ["model_name", "parameter"], of_now(rows_of(root, "gold.lifetime_models"))
    both = whole.merge(sampled, on=keys, suffixes=("_whole", "")).set_index(keys)
    # A missing covariate is replaced by the mean of the sample, and its indicator column adapts.
    # Brier scores, deciles and other measures of a fit come from the sample too.
    judged = ("is missing", "brier", "concordance", "calibration", "p_value")
    kept = both[[n in BOUNDED and not any(j in p for j in judged) for n, p in both.index]]
    assert {"r", "alpha", "a", "b"} <= set(kept.loc["bg_nbd"].index)
    assert "held_out_log_likelihood" in kept.loc["bg_nbd"].index
    assert len(kept.loc["weibull_aft"]) > 5
    for column in ("value", "log_likelihood", "std_error"):
        known = kept[kept[f"{column}_whole"].notna()]
        assert known[column].tolist() == pytest.approx(
            known[f"{column}_whole"].tolist(), rel=1e-5, abs=1e-9
        ), column
    assert (kept["customers"] == kept["customers_whole"]).all()


def test_too_few_customers_give_rows_without_a_fit(spark, tmp_path):
    context = lifetime_context(tmp_path / "lakehouse")
    write_lifetime_lake(context, customers=12)
    lifetime_fitting.run(context)
    rows = context.read("gold.customer_lifetime").toPandas()
    assert set(rows["p_alive_basis"]) == {"not_fitted"} == set(rows["clv_basis"])
    assert rows["clv_12m"].isna().all()
    assert not context.has("gold.clv_backtest")
