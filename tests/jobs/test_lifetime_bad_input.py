"""fit_lifetime and plan_retention on too little data: a warning with the reason, no NaN in gold."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from pipelines.lifetime import lifetime_fitting
from pipelines.offers import retention_planning
from runtime.errors import TableError
from runtime.model_registry import Registry
from runtime.settings import load
from tests.jobs.ingest_lake import TRANSACTIONS, Said
from tests.jobs.lifetime_lake import (
    AS_OF,
    FIRST,
    lifetime_context,
    of_now,
    purchases,
    rows_of,
    write_purchases,
    write_scores,
)

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
# as_of needs a purchase on that day, which counts as incomplete.
LAST = ("later", AS_OF, 1.0)
GOLD = (
    "customer_lifetime",
    "lifetime_models",
    "clv_backtest",
    "segment_survival",
    "retention_plan",
    "strategy_comparison",
)
NO_LANDMARK = (
    "no survival model at 2018-01-01: 0 departures were observed after the landmarks, at least 30 "
    "are needed. Build features of earlier dates, or shorten lifetime.survival.window_days."
)
NO_AMOUNTS = (
    "no repeat purchase has a positive amount, so CLV is null (clv_basis no_amounts). Purchases are "
    "forecast."
)


def on(*days: int) -> list[dt.date]:
    return [FIRST + dt.timedelta(days=d) for d in days]


def one_time_buyers():
    """One on every fourth day of the year, and one on its last day, who was not observed since."""
    return [(f"c{d:03d}", day, 9.0) for d in (*range(0, 364, 4), 364) for day in on(d)]


def buyers_at_random(customers: int, leavers: int, seed: int = 5):
    """Random purchases, every five days on average; the first `leavers` stop within 200 days."""
    draw = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        rate, at = draw.gamma(6, 1 / 30), float(draw.integers(0, 30))
        end = draw.integers(40, 200) if number < leavers else 365
        while at < end:
            rows.append((f"c{number:03d}", on(int(at))[0], 8.0 + number % 5))
            at += draw.exponential(1 / rate)
    return rows


def run(context, job):
    """Run the job and return its warnings."""
    context.progress = Said()
    job.run(context)
    return context.progress.warnings


def planned(root):
    """A plan of the customers who bought in the last 90 days. No gold table has a NaN."""
    write_scores(lifetime_context(root), AS_OF)
    run(lifetime_context(root), retention_planning)
    plan = rows_of(root, "gold.retention_plan")
    assert plan["why"].notna().all()
    for _, rows in plan.groupby("strategy"):
        assert sorted(rows["rank"]) == list(range(1, len(rows) + 1))
    assert_no_nan(root)
    return plan


def assert_no_nan(root):
    from pyspark.sql import functions as F

    context = lifetime_context(root)
    for name in GOLD:
        if not context.has(f"gold.{name}"):
            continue
        table = context.read(f"gold.{name}")
        numbers = [c for c, kind in table.dtypes if kind == "double"]
        wrong = [F.sum(F.isnan(c).cast("int")).alias(c) for c in numbers]
        assert not any(table.agg(*wrong).collect()[0].asDict().values()), name


@pytest.mark.parametrize(
    ("bought", "warning"),
    [
        (
            one_time_buyers(),
            "no lifetime model at 2018-01-01: none of 92 customers bought again: neither a "
            "purchase rate nor a dropout rate can be estimated.",
        ),
        (
            [("only", day, 5.0) for day in on(0, 200, 360)],
            "no lifetime model at 2018-01-01: 1 customer, 1 of them with a repeat purchase: fewer "
            "than lifetime.fewest_customers = 50, half of them with a repeat purchase.",
        ),
    ],
    ids=["one purchase each", "one customer"],
)
def test_too_little_data_gives_a_warning_with_the_reason(bought, warning, spark, tmp_path):
    root = tmp_path / "lakehouse"
    write_purchases(lifetime_context(root), [*bought, LAST])

    warnings = run(lifetime_context(root), lifetime_fitting)

    assert {warning, NO_LANDMARK} <= set(warnings)
    assert any(w.startswith("no date of the next purchase at 2018-01-01: ") for w in warnings)
    rows = rows_of(root, "gold.customer_lifetime")
    assert sorted(rows["customer_id"]) == sorted({customer for customer, *_ in bought})
    assert set(rows["p_alive_basis"]) == {"not_fitted"} == set(rows["clv_basis"])
    predictions = ["p_alive", "expected_purchases_90d", "clv_12m", "value_at_stake"]
    predictions += ["next_purchase_on", "days_overdue", "overdue_percentile"]
    assert rows[predictions].isna().all().all()
    plan = planned(root)
    assert plan["expected_value_kept"].isna().all()
    assert not plan[plan["strategy"] == "net_value"]["is_chosen"].any()


def test_a_history_with_only_returns_has_no_customers(spark, tmp_path):
    root = tmp_path / "lakehouse"
    write_purchases(lifetime_context(root), [("a", on(3)[0], -5.0), ("b", on(9)[0], -1.0), LAST])

    warnings = run(lifetime_context(root), lifetime_fitting)

    assert warnings[0].startswith("no lifetime model at 2018-01-01: none of 0 customers")
    assert not len(rows_of(root, "gold.customer_lifetime"))
    assert_no_nan(root)


def test_without_amounts_purchases_are_forecast_and_clv_is_null(company):
    """The mapping has amount: 0, as in docs/own_data.md. One customer bought on the last day: T = 0."""
    mapping = {**TRANSACTIONS["mapping"], "amount": "0"}
    company.source("visits", TRANSACTIONS, mapping=mapping)
    bought = [*purchases(150), ("new", on(364)[0], 0.0)]
    lines = [f"{customer},o{n},p,{day} 12:00:00,1," for n, (customer, day, _) in enumerate(bought)]
    company.file("visits/a.csv", "customer,order,product,time,pieces,rebate", *lines)
    company.ingest()
    kept = company.rows("silver.transactions", "amount", "warnings")
    assert len(kept) == len(bought) and set(kept) == {(0, "amount_is_zero")}

    warnings = run(lifetime_context(company.root), lifetime_fitting)

    assert NO_AMOUNTS in warnings
    rows = of_now(rows_of(company.root, "gold.customer_lifetime")).set_index("customer_id")
    assert set(rows["clv_basis"]) == {"no_amounts"}
    assert rows.filter(regex="clv_1|clv_3|clv_9|value_at_stake|expected_value").isna().all().all()
    assert rows.loc["new", ["frequency", "observed_days"]].tolist() == [0, 0]
    for column in ("p_no_purchase", "expected_purchases_90d"):
        assert rows[column].between(0, 90).all()
    plan = planned(company.root)
    assert plan["expected_value_kept"].isna().all() and plan["is_chosen"].any()


def test_if_no_customer_leaves_p_alive_is_null_with_a_reason(spark, tmp_path):
    """60 customers buy at random all year: a model in which nobody leaves explains it as well.

    With a window of a year, nobody counts as lost.
    """
    root = tmp_path / "lakehouse"
    survival = load("demo").lifetime.survival.model_dump() | {"window_days": 366}
    context = lifetime_context(root, survival=survival)
    write_purchases(context, [*buyers_at_random(60, 0), LAST])
    dates = [AS_OF, *(AS_OF - dt.timedelta(days=n) for n in (30, 60))]
    feature_tables.run(lifetime_context(root), FeatureOptions(dates))

    warnings = run(context, lifetime_fitting)

    assert NO_LANDMARK in warnings
    doubts = [w for w in warnings if "p_alive is not shown (no_dropout)" in w]
    assert len(doubts) == 1 and "the likelihood ratio against a model without" in doubts[0]
    rows = of_now(rows_of(root, "gold.customer_lifetime"))
    assert set(rows["p_alive_basis"]) == {"no_dropout"} and rows["p_alive"].isna().all()
    assert rows["expected_purchases_90d"].between(0, 90).all()
    assert np.isfinite(rows["clv_12m"]).all()
    assert rows["remaining_lifetime_days"].isna().all()
    registry = Registry(context.settings, "lifetime")
    tag = registry.client.get_run(registry.by_alias("champion").run_id).data.tags["warnings"]
    assert tag.split("\n") == warnings
    plan = planned(root)
    why = plan[plan["strategy"] == "expected_purchases"]["why"]
    assert why.str.startswith("P(alive) is not known; expected purchases in 30 days").all()


def test_if_all_customers_leave_a_model_is_fitted_and_no_customer_can_be_kept(spark, tmp_path):
    """All stop by day 200 and count as lost by day 291. Three landmarks are before that day."""
    root = tmp_path / "lakehouse"
    write_purchases(lifetime_context(root), [*buyers_at_random(100, 100), LAST])
    dates = [AS_OF - dt.timedelta(days=n) for n in (0, 180, 210, 240)]
    feature_tables.run(lifetime_context(root), FeatureOptions(dates))

    warnings = run(lifetime_context(root), lifetime_fitting)

    models = of_now(rows_of(root, "gold.lifetime_models"))
    kinds = {"cox", "weibull_aft", "discrete_hazard"}
    assert kinds & set(models[models["is_chosen"]]["model_name"]), warnings
    rows = of_now(rows_of(root, "gold.customer_lifetime"))
    assert rows["customer_id"].nunique() == len(rows) == 100
    assert rows[["remaining_lifetime_days", "clv_12m_survival"]].isna().all().all()
    assert (rows["clv_12m"].notna() | (rows["clv_basis"] == "not_fitted")).all()
    assert_no_nan(root)
    write_scores(lifetime_context(root), AS_OF)
    with pytest.raises(TableError, match=r"gold\.customer_segments: does not exist"):
        retention_planning.run(lifetime_context(root))
