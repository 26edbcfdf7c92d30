"""The app: what a marketing or customer-success team sees, from the gold tables, without Spark."""
