"""Monitoring: drift, freshness and volume of sources, model performance, promises, alerts."""
