"""Offers: effects from campaigns, the choice of a policy, the plan under a budget, and results."""
