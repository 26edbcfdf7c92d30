"""Results of the newest training run, from gold.model_comparison."""

from __future__ import annotations

from app.lake import Lake, Row

# The newest training of churn models, which alone have a confusion matrix, on its last test date.
NEWEST = """
    newest AS (
        SELECT max(trained_at) AS trained_at FROM {gold.model_comparison}
        WHERE split = 'test' AND horizon_days = $horizon AND metric = 'true_positives'
    ),
    rows AS (
        SELECT c.* FROM {gold.model_comparison} c JOIN newest USING (trained_at)
        WHERE c.split = 'test' AND c.horizon_days = $horizon
        QUALIFY c.test_on = max(c.test_on) OVER ()
    )
"""


def results(lake: Lake, horizon: int, population: str = "all") -> list[Row]:
    """One row per model and metric of the newest training run, on its last test date."""
    sql = f"""WITH {NEWEST}
              SELECT model_name, model_version, trained_at, test_on, metric, value, ci_low, ci_high
              FROM rows WHERE population = $population ORDER BY model_name, metric"""
    return lake.rows(sql, {"horizon": horizon, "population": population}, 2_000)
