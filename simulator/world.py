"""Constants of the simulated company. Fixed before any model was evaluated on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from simulator.draws import Floats

# 550 days. Jobs ignore the last one, 2026-01-02, because the last day of data may be incomplete.
FIRST_DAY = dt.date(2024, 7, 1)
DAYS = 550
# Lifetimes are simulated for five more years. The end of a longer lifetime is unknown.
LAST_DAY_FOLLOWED = DAYS + 5 * 365

PLANS = ("basic", "plus", "premium")
PLAN_SHARES = (0.50, 0.35, 0.15)
CHARGES = (9.99, 19.99, 49.99)
CHANNELS = ("search", "social", "referral", "partner")
REGIONS = ("north", "south", "east", "west", "abroad")
LANGUAGES = ("en", "de", "fr", "es")
AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
REASONS = ("price", "features", "competitor", "quality", "support")
FEATURES = ("reports", "exports", "alerts", "sharing", "automation", "mobile", "api", "templates")
OFFERS = (
    "discount_10",
    "discount_20",
    "feature_unlock",
    "personal_manager",
    "loyalty_bonus",
    "winback_survey",
)
# Only these are sent in experiments. The survey is for customers who have left.
TESTED_OFFERS = OFFERS[:5]

# Orders per 30 days by plan. The rates of customers have a gamma distribution with shape 1.6.
ORDER_RATES, ORDER_RATE_SHAPE = (2.5, 3.5, 5.0), 1.6
# Rates per day: become discontented (before traits and frailty), leave, become content again.
DISCONTENT_RATE, LEAVING_RATE, RECOVERY_RATE = 1 / 110, 1 / 45, 1 / 60
FRAILTY_SHAPE = 2.0
# Factors on the rates of a discontented customer.
DISCONTENT_ORDERS, DISCONTENT_LOGINS, DISCONTENT_TICKETS = 0.25, 0.25, 6.0

# Randomised: every 45 days, with a control group of 25 %. Targeted: to the best customers, without
# a control group.
RANDOM_CAMPAIGNS = tuple(range(100, 520, 45))
TARGETED_CAMPAIGNS = (120, 255, 390)
HELD_OUT_SHARE = 0.25
CAMPAIGN_DAYS = 14
# Days for which the company still writes to a customer who left, because it does not know it yet.
WRITTEN_TO_AFTER_LEAVING = 60
NEWCOMER_DAYS = 30


@dataclass(frozen=True)
class World:
    """One company: its seed, and the number of customers who ever sign up."""

    seed: int
    customers: int


def day_name(day: int) -> dt.date:
    """The date of a day counted from FIRST_DAY."""
    return FIRST_DAY + dt.timedelta(days=int(day))


def season(days: Floats) -> Floats:
    """Purchase rate on each day relative to the mean: higher before Christmas and at week-ends."""
    whole = np.floor(days).astype(np.int64)
    day_of_year = (whole + FIRST_DAY.timetuple().tm_yday - 1) % 365
    year = 1 + 0.25 * np.cos(2 * np.pi * (day_of_year - 349) / 365)
    week = np.array([0.9, 0.9, 0.95, 1.0, 1.1, 1.25, 0.9])
    return year * week[(whole + FIRST_DAY.weekday()) % 7]


SEASON_MOST = 1.25 * 1.25
