"""Uplift models: the decrease in churn probability that each offer causes."""
