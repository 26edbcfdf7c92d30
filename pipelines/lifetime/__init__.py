"""What fit_lifetime consists of: summaries and landmarks at many dates, fits of both approaches,
backtest, comparison, record, served models."""
