"""Rows of gold.model_comparison and gold.feature_sets from the figures of a training run."""

from __future__ import annotations

import datetime as dt

from transforms.training_records import feature_set_results, model_comparison

FIGURES = (
    "test_on date, model_name string, population string, split string, metric string, "
    "horizon_days int, value double, ci_low double, ci_high double, reason string"
)
SET = "feature_set string, metric string, value double, ci_low double, ci_high double"
RUN = {"trained_at": "2018-01-02 03:04:05", "data_set": "demo"}
AT, TEST = dt.datetime(2018, 1, 2, 3, 4, 5), dt.date(2017, 12, 2)


def test_each_model_has_its_version(frame, rows_of):
    names = ("xgboost", "champion", "recency_only")
    figures = frame(
        FIGURES, [(TEST, n, "all", "test", "roc_auc", 30, 0.8, 0.7, 0.9, None) for n in names]
    )
    rows = rows_of(
        model_comparison(figures, "xgboost", "4", champion="champion", champion_version="3", **RUN)
    )
    versions = {r["model_name"]: r["model_version"] for r in rows}
    assert versions == {"xgboost": "4", "champion": "3", "recency_only": "-"}
    assert {(r["trained_at"].replace(tzinfo=None), r["data_set"]) for r in rows} == {(AT, "demo")}
    assert {r["test_on"] for r in rows} == {TEST}
    assert {(r["value"], r["ci_low"], r["ci_high"]) for r in rows} == {(0.8, 0.7, 0.9)}


def test_without_a_champion_the_version_of_that_name_is_null(frame, rows_of):
    figures = frame(
        FIGURES, [(TEST, "champion", "all", "test", "roc_auc", 30, 0.8, None, None, None)]
    )
    (row,) = rows_of(
        model_comparison(figures, "xgboost", "4", champion="champion", champion_version=None, **RUN)
    )
    assert row["model_version"] is None


def test_feature_sets_name_the_model_they_were_fitted_with(frame, rows_of):
    figures = frame(SET, [("all", "roc_auc", 0.8, None, None)])
    (row,) = rows_of(feature_set_results(figures, "xgboost", "4", **RUN))
    assert (row["feature_set"], row["model_name"], row["model_version"]) == ("all", "xgboost", "4")
    assert (row["trained_at"].replace(tzinfo=None), row["data_set"]) == (AT, "demo")
