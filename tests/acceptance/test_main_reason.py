"""Main reasons of customers who leave simulated companies, against the simulated truth."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

from pipelines.churn import (
    churn_training,
    customer_scoring,
    model_deployment,
    model_validation,
)
from pipelines.features import feature_tables
from pipelines.ingestion import source_ingestion
from pipelines.simulation import company_files

# A company takes five minutes on two cores.
pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only, pytest.mark.timeout(3600)]
# Nothing was tuned on these seeds.
SEEDS = [int(s) for s in os.environ.get("HOLDFAST_JUDGE_SEEDS", "201 202 203 204 205").split()]
CUSTOMERS = 3000


def company(root, seed):
    """The context of a new company after all jobs up to customer scores."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import load

    settings = load(
        "simulated",
        simulation={"customers": CUSTOMERS, "seed": seed},
        lakehouse={"root": str(root), "catalog": None},
        training={
            "learners": ["xgboost"],
            "rolling_dates": 0,
            "search": "none",
            "compare_feature_sets": False,
            "stability": {"learners": []},
        },
        churn={"horizons_days": [30]},
    )
    sources = {
        name: source.model_copy(
            update={"path": source.path.replace("lakehouse-simulated-sources", f"{root}-sources")}
        )
        for name, source in settings.sources.items()
    }
    settings = settings.model_copy(update={"sources": sources})
    context = Context(settings, RunInfo("test"), Progress(is_quiet=True))
    models = (churn_training, model_validation, model_deployment, customer_scoring)
    for job in (company_files, source_ingestion, feature_tables, *models):
        job.run(context)
    return context


@pytest.fixture(scope="module")
def judged(spark, tmp_path_factory):
    """One row per scored customer of all companies, with main_reason and the true reason."""
    companies = []
    for seed in SEEDS:
        context = company(tmp_path_factory.mktemp(f"company{seed}") / "lake", seed)
        scores = context.read("gold.customer_scores").toPandas()
        truth = spark.read.parquet(str(company_files.truth_folder(context) / "customers_truth"))
        both = scores.merge(truth.toPandas(), on="customer_id", how="inner")
        companies.append(both.assign(seed=seed, as_of=pd.Timestamp(context.as_of)))
    return pd.concat(companies, ignore_index=True)


def right(rows):
    """Share of customers whose main reason is right, and the share of the best constant guess."""
    majority = rows["reason"].value_counts().max() / len(rows)
    return float(np.mean(rows["main_reason"] == rows["reason"])), float(majority)


def test_the_main_reason_of_customers_who_left_is_right_for_seven_in_ten(judged, capsys):
    """Customers who left unnoticed are still scored. A third of them said goodbye."""
    share, majority = right(judged[judged["left_at"] < judged["as_of"]])
    with capsys.disabled():
        print(f"\nmain reason of customers who left: {share:.3f}, majority guess {majority:.3f}")
    assert share >= 0.70 > majority


def test_before_customers_leave_the_main_reason_is_right_far_more_often_than_a_guess(
    judged, capsys
):
    """Then only traits and complaints show the reason, and half have not complained yet."""
    days = (judged["left_at"] - judged["as_of"]).dt.days
    share, majority = right(judged[(days >= 0) & (days < 30)])
    with capsys.disabled():
        print(
            f"\nmain reason of customers who will leave: {share:.3f}, majority guess {majority:.3f}"
        )
    assert share >= majority + 0.15
