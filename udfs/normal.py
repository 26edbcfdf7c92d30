"""Quantiles of the standard normal distribution."""

# 97.5 %: an interval of 95 % reaches so many standard errors to both sides.
NORMAL_95 = 1.959963984540054
