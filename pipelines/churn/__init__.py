"""Churn models: dataset, training, evaluation, promotion, scoring and A/B tests of models."""
