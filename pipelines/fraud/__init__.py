"""Fraud scores of payments."""
