"""What an offer changes: learners of the fall in churn probability that each offer causes."""
