"""What fit_lifetime consists of: summaries at many dates, fits, backtest, record, served model."""
