"""The constants of the simulated company. Committed before any model that is judged on it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from simulator.draws import Floats

# 550 days: the last, 2026-01-02, is left out of every job's view as an incomplete day may be.
FIRST_DAY = dt.date(2024, 7, 1)
DAYS = 550
# Lifetimes are followed for five years more; a longer one has no known end.
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
# Only these are sent in experiments; the survey is for those who have left.
TESTED_OFFERS = OFFERS[:5]

# Orders a 30 days by plan; a gamma of shape 1.6 spreads the customers.
ORDER_RATES, ORDER_RATE_SHAPE = (2.5, 3.5, 5.0), 1.6
# A day's chance to turn discontented (before traits and frailty), to leave, to recover.
DISCONTENT_RATE, LEAVING_RATE, RECOVERY_RATE = 1 / 110, 1 / 45, 1 / 60
FRAILTY_SHAPE = 2.0
# What discontent does to behaviour.
DISCONTENT_ORDERS, DISCONTENT_LOGINS, DISCONTENT_TICKETS = 0.25, 0.25, 6.0

# Randomised: every 45 days, a quarter held out. Targeted: to the best customers, nobody held out.
RANDOM_CAMPAIGNS = tuple(range(100, 520, 45))
TARGETED_CAMPAIGNS = (120, 255, 390)
HELD_OUT_SHARE = 0.25
CAMPAIGN_DAYS = 14
# Someone who left is not known to have left, and is written to for so long.
WRITTEN_TO_AFTER_LEAVING = 60
NEWCOMER_DAYS = 30


@dataclass(frozen=True)
class World:
    """One company: its seed and how many customers ever sign up."""

    seed: int
    customers: int


def day_name(day: int) -> dt.date:
    """The date of a day counted from FIRST_DAY."""
    return FIRST_DAY + dt.timedelta(days=int(day))


def season(days: Floats) -> Floats:
    """How much is bought on a day against the mean: the weeks before Christmas, the week-ends."""
    whole = np.floor(days).astype(np.int64)
    day_of_year = (whole + FIRST_DAY.timetuple().tm_yday - 1) % 365
    year = 1 + 0.25 * np.cos(2 * np.pi * (day_of_year - 349) / 365)
    week = np.array([0.9, 0.9, 0.95, 1.0, 1.1, 1.25, 0.9])
    return year * week[(whole + FIRST_DAY.weekday()) % 7]


SEASON_MOST = 1.25 * 1.25
