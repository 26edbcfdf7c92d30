"""Hillstrom's e-mail experiment: published effects, verdicts, and the share of the top fifth."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.uplift import metrics
from models.uplift.boosting import LocalBoosting
from models.uplift.learners import fit
from tests.unit.models.uplift.trials import SHARES, verdict_of

# HOLDFAST_TEST_DATA, or the folder next to the repository.
BESIDE = Path(__file__).parents[5] / "shared" / "data"
DATA = Path(os.environ.get("HOLDFAST_TEST_DATA", BESIDE)) / "hillstrom" / "hillstrom.csv.gz"
needs_data = pytest.mark.skipif(
    not DATA.is_file(), reason=f"{DATA} does not exist. Set HOLDFAST_TEST_DATA to its folder."
)


@pytest.fixture(scope="module")
def mails():
    rows = pd.read_csv(DATA)
    arm = rows["segment"].map({"No E-Mail": 0.0, "Mens E-Mail": 1.0, "Womens E-Mail": 2.0})
    x = pd.get_dummies(
        rows[["recency", "history", "mens", "womens", "newbie", "zip_code", "channel"]]
    ).astype(float)
    x.columns = [f"x{i}" for i in range(x.shape[1])]
    # churned = no visit, so the decrease in churn is the increase in visits.
    return x.assign(arm=arm, churned=1.0 - rows["visit"], e_0=1 / 3, e_1=1 / 3, e_2=1 / 3), rows


@needs_data
def test_hillstroms_effects_are_the_published_ones(mails):
    x, _ = mails
    # Effect on visits and its standard error. The interval extends 1.96 standard errors.
    for arm, effect, error in ((2, 0.045233, 0.003234), (1, 0.076590, 0.003386)):
        both = x["arm"].isin([0, arm])
        measured = metrics.average_effect(
            x["churned"][both].to_numpy(), (x["arm"][both] == arm).to_numpy(float)
        )
        assert measured.value == pytest.approx(effect, abs=5e-7)
        assert (measured.high - measured.low) / 2 / 1.96 == pytest.approx(error, abs=5e-7)


@needs_data
@pytest.mark.parametrize(
    ("arm", "effect", "error"), [(2, 0.424412, 0.130333), (1, 0.769827, 0.145247)]
)
def test_hillstroms_effects_on_spend_are_the_published_ones(mails, arm, effect, error):
    x, rows = mails
    both = x["arm"].isin([0, arm])
    spend = rows["spend"][both].to_numpy(float)
    measured = metrics.average_effect(-spend, (x["arm"][both] == arm).to_numpy(float))
    assert measured.value == pytest.approx(effect, abs=5e-7)
    assert (measured.high - measured.low) / 2 / 1.96 == pytest.approx(error, abs=5e-7)


@needs_data
def test_the_verdicts_on_hillstroms_mails_as_they_fell(mails):
    """On a test half, with the same learner and the same rule for both mails."""
    x, _ = mails
    names = [c for c in x.columns if c.startswith("x")]
    gentle = LocalBoosting(
        {"n_estimators": 40, "max_depth": 2, "learning_rate": 0.1, "min_child_weight": 100}, 1
    )
    draw = np.random.default_rng(0)
    is_train = draw.random(len(x)) < 0.5
    model = fit(
        "t_learner", x[is_train], names, arms=("mens", "womens"), shares=SHARES, boosting=gentle
    )
    test = x[~is_train]
    effects = model.effects(test[names].to_numpy(np.float32))
    verdicts = [verdict_of(test, effects[:, arm - 1], arm) for arm in (1, 2)]
    # No heterogeneity is detected for the men's mail. The women's mail has different effects.
    assert verdicts == ["treat all", "target"]


@needs_data
def test_the_best_fifth_of_the_womens_mail_brings_29_percent_of_the_visits(mails):
    x, _ = mails
    names = [c for c in x.columns if c.startswith("x")]
    gentle = LocalBoosting(
        {"n_estimators": 40, "max_depth": 2, "learning_rate": 0.1, "min_child_weight": 100}, 1
    )
    rows = x[x["arm"] != 1.0].assign(arm=lambda r: (r["arm"] == 2.0).astype(float))
    shares = []
    for half in range(20):
        draw = np.random.default_rng(half)
        is_train = draw.random(len(rows)) < 0.5
        train, test = rows[is_train], rows[~is_train]
        train = train.assign(fold=draw.integers(0, 2, len(train)).astype(float), e_0=0.5, e_1=0.5)
        model = fit("t_learner", train, names, arms=("womens",), shares=(0.5, 0.5), boosting=gentle)
        effect = model.effects(test[names].to_numpy(np.float32))[:, 0]
        shares.append(
            metrics.share_of_incremental(
                effect, test["churned"].to_numpy(), test["arm"].to_numpy(), best=0.2
            )
        )
    assert np.mean(shares) >= 0.29
