"""Uplift learners and metrics: by hand, on known effects, on the simulator, on Hillstrom's mails."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.uplift import metrics
from models.uplift.boosting import LocalBoosting, ensemble_of, probability
from models.uplift.learners import LEARNERS, UpliftModel, fit

BOOSTED = LocalBoosting(
    {"n_estimators": 60, "max_depth": 3, "learning_rate": 0.08, "min_child_weight": 20}, 1
)


def trial(rows, effect, seed=1):
    """Two arms and a held-out third; x0 decides the effect of arm 1, arm 2 does nothing."""
    draw = np.random.default_rng(seed)
    x = draw.uniform(-1, 1, (rows, 3)).astype(np.float32)
    arm = draw.integers(0, 3, rows)
    fall = np.column_stack([np.zeros(rows), effect(x), np.zeros(rows)])
    risk = 0.5 + 0.1 * x[:, 1] - fall[np.arange(rows), arm]
    frame = pd.DataFrame(x, columns=["x0", "x1", "x2"]).assign(
        arm=arm.astype(float),
        fold=draw.integers(0, 2, rows).astype(float),
        churned=(draw.random(rows) < risk).astype(float),
        e_0=1 / 3,
        e_1=1 / 3,
        e_2=1 / 3,
    )
    return frame, fall[:, 1:]


NAMES, ARMS, SHARES = ["x0", "x1", "x2"], ("one", "two"), (1 / 3, 1 / 3, 1 / 3)


# The shift learner says one shift for all: whom an arm harms it cannot tell.
@pytest.mark.parametrize("learner", [name for name in LEARNERS if name != "shift_learner"])
def test_a_learner_finds_whom_an_arm_helps_and_whom_it_harms(learner):
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    model = fit(learner, rows, NAMES, ARMS, SHARES, BOOSTED)
    fresh, truth = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    found = model.effects(fresh[NAMES].to_numpy(np.float32))
    assert found.shape == (4_000, 2)
    assert np.corrcoef(found[:, 0], truth[:, 0])[0, 1] > 0.85
    # Arm 2 does nothing: its mean effect is zero within a few standard errors of 0.011.
    assert abs(found[:, 1].mean()) < 4 * 0.011


def test_an_arm_is_learned_from_those_who_could_have_been_sent_it():
    """Half of the rows are of a plan that chose arm 1, or nothing, for those with a high x0, whose
    held-out tenth all leave: of arm 2, which does nothing, they say nothing."""
    rows, _ = trial(12_000, lambda x: 0.3 * x[:, 0])
    planned = rows[(rows["x0"] > 0) & (rows["arm"] < 2)].assign(e_0=0.1, e_1=0.9, e_2=0.0)
    planned["arm"] = (np.arange(len(planned)) % 10 > 0).astype(float)
    planned["churned"] = (planned["arm"] == 0).astype(float)
    both = pd.concat([rows, planned], ignore_index=True)
    model = fit("dr_learner", both, NAMES, ARMS, SHARES, BOOSTED)
    fresh, _ = trial(4_000, lambda x: 0.3 * x[:, 0], seed=2)
    found = model.effects(fresh[NAMES].to_numpy(np.float32)).mean(axis=0)
    assert np.isfinite(found).all()
    # 4,000 rows an arm: a standard error of 0.011. Arm 1 gains on the half whom the plan chose.
    assert abs(found[1]) < 4 * 0.011
    assert found[0] > 0.1


def test_a_shift_of_the_log_odds_is_found_from_few_rows():
    """Risk between .1 and .9 by x1; arm 1 takes 1 from its log-odds, arm 2 nothing."""
    draw = np.random.default_rng(8)
    rows, _ = trial(6_000, lambda x: np.zeros(len(x)))
    log_odds = 2.2 * rows["x1"]
    risk = 1 / (1 + np.exp(-(log_odds - (rows["arm"] == 1))))
    rows = rows.assign(churned=(draw.random(len(rows)) < risk).astype(float))
    model = fit("shift_learner", rows, NAMES, ARMS, SHARES, BOOSTED)
    # 2,000 rows an arm of variance about .18: a standard error of 1 / sqrt(360) = .053 each.
    assert model.shifts[1] - model.shifts[0] == pytest.approx(-1, abs=4 * 0.053 * 2**0.5)
    assert model.shifts[2] - model.shifts[0] == pytest.approx(0, abs=4 * 0.053 * 2**0.5)
    x = np.array([[0, -1, 0], [0, 0, 0], [0, 1, 0]], dtype=np.float32)
    low, middle, high = model.effects(x)[:, 0]
    # Without: .10, .5, .90; with: .04, .27, .77.
    assert middle == pytest.approx(0.23, abs=0.06)
    assert middle > high > low > 0


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_model_survives_json(learner):
    import json

    rows, _ = trial(1_500, lambda x: 0.3 * x[:, 0])
    model = fit(learner, rows, NAMES, ARMS, SHARES, BOOSTED)
    again = UpliftModel.from_dict(json.loads(json.dumps(model.to_dict())))
    matrix = rows[NAMES].to_numpy(np.float32)
    np.testing.assert_array_equal(model.effects(matrix), again.effects(matrix))


def test_a_regression_booster_gives_the_same_numbers_as_its_library():
    import xgboost

    draw = np.random.default_rng(1)
    x = draw.normal(size=(500, 3)).astype(np.float32)
    y = 7 + x[:, 0] * 3
    booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(x, y), 20)
    expected = booster.predict(xgboost.DMatrix(x))
    np.testing.assert_allclose(ensemble_of(booster).predict(x), expected, atol=1e-4)


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_an_arm_of_which_nobody_or_everybody_left_has_that_risk(label):
    rows = pd.DataFrame({"x0": np.linspace(0, 1, 40), "churned": label})
    trees = BOOSTED.classifier(rows, ["x0"], "churned")
    found = probability(trees, rows[["x0"]].to_numpy(np.float32))
    assert found == pytest.approx(np.full(40, label))


def verdict_of(rows, effect, arm=1, seed=7):
    both = rows["arm"].isin([0, arm]).to_numpy()
    churned = rows["churned"].to_numpy()[both]
    treated = (rows["arm"].to_numpy()[both] == arm).astype(float)
    found = metrics.bootstrap_qini(effect[both], churned, treated, 200, seed)
    return metrics.verdict(found, metrics.average_effect(churned, treated)).partition(":")[0]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (lambda x: 0.3 * x[:, 0], "target"),
        (lambda x: np.full(len(x), 0.15), "treat all"),
        (lambda x: np.zeros(len(x)), "treat none"),
    ],
    ids=["heterogeneous", "homogeneous", "none"],
)
def test_the_verdict_falls_as_the_truth_is(effect, expected):
    rows, _ = trial(12_000, effect)
    model = fit("t_learner", rows, NAMES, ARMS, SHARES, BOOSTED)
    fresh, _ = trial(8_000, effect, seed=5)
    assert verdict_of(fresh, model.effects(fresh[NAMES].to_numpy(np.float32))[:, 0]) == expected


def test_qini_by_hand():
    """Best first: treated stays, held-out leaves, treated leaves, held-out stays.

    Curve: 1/2 (1 treated kept, none held out), then (1 - 0)/2, (1 - 0)/2, then (1 - 1 * 2/2)/2 = 0.
    Area by trapezoids of width 1/4: (0 + .5)/8 + (.5 + .5)/8 * 2 + (.5 + 0)/8 = .375; the line ends
    at 0, so that is Qini too.
    """
    effect = np.array([4.0, 3.0, 2.0, 1.0])
    churned, treated = np.array([0.0, 1, 1, 0]), np.array([1.0, 0, 1, 0])
    curve = metrics.uplift_curve(effect, 1 - churned, treated, np.ones(4))
    assert curve.tolist() == [0.5, 0.5, 0.5, 0.0]
    assert metrics.qini(effect, churned, treated) == pytest.approx(0.375)
    assert metrics.auuc(effect, churned, treated) == pytest.approx(0.375)


def test_qini_agrees_with_scikit_uplift_on_the_curve():
    sklift = pytest.importorskip("sklift.metrics")
    draw = np.random.default_rng(3)
    effect, churned = draw.normal(size=500), (draw.random(500) < 0.4).astype(float)
    treated = (draw.random(500) < 0.5).astype(float)
    ours = metrics.uplift_curve(effect, 1 - churned, treated, np.ones(500)) * treated.sum()
    _, theirs = sklift.qini_curve(1 - churned, effect, treated)
    # Theirs begins with (0, 0), and has a point for every distinct score.
    np.testing.assert_allclose(ours, theirs[1:], atol=1e-9)


def test_weights_count_as_repeated_rows():
    draw = np.random.default_rng(4)
    effect, churned = draw.normal(size=60), (draw.random(60) < 0.5).astype(float)
    treated, times = (draw.random(60) < 0.5).astype(float), draw.integers(0, 3, 60)
    rows = np.repeat(np.arange(60), times)
    whole = metrics.qini(effect[rows], churned[rows], treated[rows])
    weighted = metrics.qini(effect, churned, treated, times.astype(float))
    # Repeated rows have points between; they move the area by less than a row's width.
    assert weighted == pytest.approx(whole, abs=0.02)


def test_average_effect_and_calibration():
    """Held out: 3 of 4 churn; treated: 1 of 4. A fall of 0.5."""
    churned = np.array([1.0, 1, 1, 0, 1, 0, 0, 0])
    treated = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
    assert metrics.average_effect(churned, treated).value == 0.5
    rows, truth = trial(60_000, lambda x: 0.3 * x[:, 0])
    two = rows["arm"].to_numpy() < 2
    values = rows["churned"].to_numpy()[two], rows["arm"].to_numpy()[two]
    slope = metrics.calibration_slope(truth[two, 0], *values)
    assert slope == pytest.approx(1.0, abs=0.15)
    # One that promises twice as much has half the slope.
    assert metrics.calibration_slope(2 * truth[two, 0], *values) == pytest.approx(slope / 2)


def test_deciles_fall_with_the_effect():
    rows, truth = trial(60_000, lambda x: 0.3 * x[:, 0])
    two = rows["arm"].to_numpy() < 2
    found = metrics.by_decile(
        truth[two, 0], rows["churned"].to_numpy()[two], rows["arm"].to_numpy()[two]
    )
    assert len(found) == 10
    for predicted, observed, count in found:
        # A difference of two shares of about 2,000 rows each.
        assert abs(predicted - observed) < 4 * np.sqrt(0.5 / (count / 2))


# ---------------------------------------------------------------------- Hillstrom

# The folder beside the repository, or the one named.
BESIDE = Path(__file__).parents[5] / "shared" / "data"
DATA = Path(os.environ.get("HOLDFAST_TEST_DATA", BESIDE)) / "hillstrom" / "hillstrom.csv.gz"
needs_data = pytest.mark.skipif(
    not DATA.is_file(), reason=f"{DATA} is not there; HOLDFAST_TEST_DATA names another folder"
)


@pytest.fixture(scope="module")
def mails():
    rows = pd.read_csv(DATA)
    arm = rows["segment"].map({"No E-Mail": 0.0, "Mens E-Mail": 1.0, "Womens E-Mail": 2.0})
    x = pd.get_dummies(
        rows[["recency", "history", "mens", "womens", "newbie", "zip_code", "channel"]]
    ).astype(float)
    x.columns = [f"x{i}" for i in range(x.shape[1])]
    # "Churned" is no visit, so that the fall in it is the rise in visits.
    return x.assign(arm=arm, churned=1.0 - rows["visit"], e_0=1 / 3, e_1=1 / 3, e_2=1 / 3), rows


@needs_data
def test_hillstroms_effects_are_the_published_ones(mails):
    x, _ = mails
    # Effect and standard error on visits; the interval is 1.96 of them to each side.
    for arm, effect, error in ((2, 0.045233, 0.003234), (1, 0.076590, 0.003386)):
        both = x["arm"].isin([0, arm])
        found = metrics.average_effect(
            x["churned"][both].to_numpy(), (x["arm"][both] == arm).to_numpy(float)
        )
        assert found.value == pytest.approx(effect, abs=5e-7)
        assert (found.high - found.low) / 2 / 1.96 == pytest.approx(error, abs=5e-7)


@needs_data
@pytest.mark.parametrize(
    ("arm", "effect", "error"), [(2, 0.424412, 0.130333), (1, 0.769827, 0.145247)]
)
def test_hillstroms_effects_on_spend_are_the_published_ones(mails, arm, effect, error):
    x, rows = mails
    both = x["arm"].isin([0, arm])
    spend = rows["spend"][both].to_numpy(float)
    found = metrics.average_effect(-spend, (x["arm"][both] == arm).to_numpy(float))
    assert found.value == pytest.approx(effect, abs=5e-7)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(error, abs=5e-7)


@needs_data
def test_the_verdict_on_hillstroms_mails_follows_the_one_rule(mails):
    """As it falls: on one half held out, each mail by the same learner and rule."""
    x, _ = mails
    names = [c for c in x.columns if c.startswith("x")]
    gentle = LocalBoosting(
        {"n_estimators": 40, "max_depth": 2, "learning_rate": 0.1, "min_child_weight": 100}, 1
    )
    draw = np.random.default_rng(0)
    is_train = draw.random(len(x)) < 0.5
    model = fit("t_learner", x[is_train], names, ("mens", "womens"), SHARES, gentle)
    test = x[~is_train]
    effects = model.effects(test[names].to_numpy(np.float32))
    for arm in (1, 2):
        both = test["arm"].isin([0, arm]).to_numpy()
        churned = test["churned"].to_numpy()[both]
        treated = (test["arm"].to_numpy()[both] == arm).astype(float)
        found = metrics.bootstrap_qini(effects[both, arm - 1], churned, treated, 200, 7)
        mean = metrics.average_effect(churned, treated)
        # Both mails bring visits beyond doubt, so none can be called useless.
        assert mean.low > 0
        said = metrics.verdict(found, mean)
        assert said.startswith("target" if found.low > 0 else "treat all")


@needs_data
@pytest.mark.slow
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
        model = fit("t_learner", train, names, ("womens",), (0.5, 0.5), gentle)
        effect = model.effects(test[names].to_numpy(np.float32))[:, 0]
        shares.append(
            metrics.share_of_incremental(
                effect, test["churned"].to_numpy(), test["arm"].to_numpy(), 0.2
            )
        )
    assert np.mean(shares) >= 0.29
