"""Effects of an offer on every difficult company, and the customers chosen within a budget."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.fit_attempts import LeftOut, fit_or_reason
from models.knapsack import best_choices
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import LEARNERS, fit
from tests.difficult.companies import COMPANIES, company
from tests.difficult.frames import past, purchase_days

pytestmark = pytest.mark.filterwarnings("error")
HORIZON = 30
BOOSTED = LocalBoosting(
    {"n_estimators": 8, "max_depth": 2, "learning_rate": 0.1, "min_child_weight": 5}, 1
)
NAMES = ["frequency", "recency_days", "T_days", "past_days_30", "past_value_90"]


def campaign(name: str) -> pd.DataFrame:
    """Customers 30 days before the end, in two arms by turns; churned: no purchase since then."""
    days = purchase_days(company(name))
    begin = int(days["day"].max()) + 1 - HORIZON
    rows = past(days, begin, HORIZON) if begin > 0 else pd.DataFrame()
    turn = np.arange(len(rows))
    churned = (rows[f"next_days_{HORIZON}"] == 0).astype(float) if len(rows) else []
    return rows.assign(
        arm=turn % 2 * 1.0, fold=turn // 2 % 2 * 1.0, churned=churned, e_0=0.5, e_1=0.5
    )


@pytest.mark.parametrize("name", COMPANIES)
def test_effects_are_finite_and_choices_stay_within_the_budget(name):
    rows = campaign(name)
    for learner in LEARNERS:
        if not len(rows):
            continue
        model = fit_or_reason(
            lambda learner=learner: fit(
                learner, rows, NAMES, arms=["offer"], shares=[0.5, 0.5], boosting=BOOSTED
            )
        )
        if isinstance(model, LeftOut):
            assert len(model.reason) > 20, model.reason
            continue
        effects = model.effects(rows[NAMES].to_numpy(np.float32))
        assert np.isfinite(effects).all() and np.abs(effects).max() <= 2
        # Half of a customer's revenue of 90 days as the gain, a tenth as the cost.
        value = rows["past_value_90"].to_numpy()[:, None]
        gain, cost = (effects * value / 2)[:200], np.abs(value / 10)[:200]
        budget = float(cost.sum() / 5)
        chosen = best_choices(gain, cost, budget, caps=np.array([np.inf]))
        spent = cost[chosen == 0].sum()
        # The solver's tolerance is relative.
        assert spent <= budget * (1 + 1e-6) and (gain[chosen == 0] > 0).all()
