"""The prediction service: HTTP answers from the champion's portable form, without Spark."""
