"""Fraud scoring of payments: windows, features, models and decisions."""
