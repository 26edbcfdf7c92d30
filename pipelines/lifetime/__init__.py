"""Lifetime models and the retention plan.

fit_lifetime: purchase summaries and landmarks of many dates, fits of both approaches (BTYD and
survival), backtest, comparison with the classifiers, MLflow run, registered models.
plan_retention: ranks of the customers under a budget, by several strategies.
"""
