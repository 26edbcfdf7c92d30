"""The chosen policy has the greatest value within the budget. Its message says if that may be 0."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines.offers import policy_choice, uplift_estimation, uplift_learning
from pipelines.offers.budget_allocation import allocate
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.shadow_prices import Problem
from runtime import settings
from runtime.progress import Progress
from transforms.offer_policies import policy_options
from transforms.offers import cost_of

OFFER_BY_NAME = {offer.name: offer for offer in offers_of_conf()}
OFFERS = [OFFER_BY_NAME["winback_survey"]]


class Said(Progress):
    """A progress that records its lines."""

    def __init__(self):
        super().__init__(is_quiet=True)
        self.lines = []

    def say(self, line=""):
        self.lines.append(line.strip())


@pytest.fixture
def context():
    budget = {"customers_share": 1.0, "money": None}
    conf = settings.load("demo", decisions={"budget": budget})
    return SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1), progress=Said())


def campaign(left_of_sent, left_of_held):
    """100 customers with a value of 100. Half got the survey; the arguments are the churned per arm."""
    arm = np.repeat([1, 0], 50)
    churned = np.concatenate([np.arange(50) < left_of_sent, np.arange(50) < left_of_held]).astype(
        float
    )
    return pd.DataFrame(
        {"arm": arm, "churned": churned, "value": 100.0, "e_0": 0.5, "e_1": 0.5}
    ).assign(rule_offer=None)


def compared(context, left_of_sent, left_of_held):
    sample = campaign(left_of_sent, left_of_held)
    effects, risks = np.full((100, 1), 0.1), np.full((100, 2), 0.5)
    rows = policy_choice.compared(context, sample, effects, risks=risks, offers=OFFERS)
    uplift_estimation.tell_policies(context, rows)
    (chosen,) = (r for r in rows if r["is_chosen"])
    return chosen, next(line for line in context.progress.lines if ": chosen" in line)


def test_the_message_says_if_the_greatest_value_may_be_0(context):
    """25 of 50 treated and 27 of 50 held-out customers churned: 4 % x 100, less a cost of 1."""
    chosen, said = compared(context, 25, 27)
    assert chosen["policy"] == "uplift"
    assert chosen["value_a_customer"] == pytest.approx(100 * 0.04 - 1)
    assert chosen["ci_low"] < 0 < chosen["ci_high"]
    assert said == (
        f"uplift             value per customer +3.00 ({chosen['ci_low']:+.2f} to "
        f"{chosen['ci_high']:+.2f}): chosen, not proven to be better than no offers"
    )


def test_an_interval_above_0_has_no_remark(context):
    chosen, said = compared(context, 5, 45)
    assert chosen["policy"] == "uplift" and chosen["ci_low"] > 0
    assert said.endswith(": chosen")


def test_a_policy_that_loses_money_is_not_chosen(context):
    chosen, said = compared(context, 25, 25)
    assert chosen["policy"] == "treat_none"
    assert said.endswith(": chosen")


@pytest.mark.parametrize("unit", ["customers", "money"])
def test_a_policy_above_the_budget_is_not_chosen_whatever_its_value(context, unit):
    """5 of 50 treated and 45 of 50 held-out customers churned.

    Each survey brings 100 x 0.8 and costs 1. The budget is enough for half of the 100 customers.
    """
    budget = {"customers_share": 0.5, "money": None}
    if unit == "money":
        # As many active and silent customers as the sample has, so the budget is not scaled.
        budget = {"customers_share": None, "money": 50.0}
        kept = SimpleNamespace(where=lambda _: SimpleNamespace(count=lambda: 100))
        context.slice = {"gold.customer_segments": kept}.__getitem__
    context.settings = settings.load("demo", decisions={"budget": budget})
    sample = campaign(5, 45)
    effects, risks = np.full((100, 1), 0.1), np.full((100, 2), 0.5)

    rows = policy_choice.compared(context, sample, effects, risks=risks, offers=OFFERS)

    treat_all = next(row for row in rows if row["policy"] == "treat_all")
    assert treat_all["value_a_customer"] == pytest.approx(100 * 0.8 - 1)
    assert treat_all["value_a_customer"] == max(row["value_a_customer"] for row in rows)
    assert [row["policy"] for row in rows if not row["is_within_budget"]] == ["treat_all"]
    within = [row for row in rows if row["policy"] != "treat_all"]
    (chosen,) = (row for row in rows if row["is_chosen"])
    assert chosen["value_a_customer"] == max(row["value_a_customer"] for row in within) > 0
    assert chosen["treated_share"] == 0.5


@pytest.mark.parametrize("name", list(OFFER_BY_NAME))
def test_the_expected_cost_is_the_cost_of_a_plan(session, name):
    """Paid on redemption or when sent, as money or as a share. A negative value costs nothing."""
    offer, worth = OFFER_BY_NAME[name], np.array([200.0, 12.5, 0.0, -50.0])
    numbered = [(n, float(value)) for n, value in enumerate(worth)]
    rows = session.createDataFrame(numbered, "number int, value_at_stake double")
    costs = rows.select("number", cost_of(offer, 0.3).alias("cost")).toPandas()
    expected = costs.sort_values("number")["cost"].to_numpy(float)
    assert policy_choice.expected_cost(offer, 0.3, worth) == pytest.approx(expected)


def test_the_expected_cost_by_hand():
    """20 % of 200, paid for the 30 % who redeem; 5 % of 200, paid for all who get the offer."""
    offers, worth = OFFER_BY_NAME, np.array([200.0])
    assert policy_choice.expected_cost(offers["discount_20"], 0.3, worth) == pytest.approx(
        [200 * 0.20 * 0.3]
    )
    assert policy_choice.expected_cost(offers["feature_unlock"], 0.3, worth) == pytest.approx(
        [200 * 0.05]
    )
    paid = dataclasses.replace(
        offers["winback_survey"], share=None, money=4.0, is_paid_on_redemption=True
    )
    assert policy_choice.expected_cost(paid, 0.3, worth) == pytest.approx([4.0 * 0.3])


def three_customers():
    """The customer with the highest risk costs as much as the other two together."""
    return {
        "risk": np.array([0.9, 0.8, 0.7]),
        "cost": np.array([10.0, 5.0, 5.0]),
        "gain": np.array([9.0, 8.0, 7.0]),
    }


def planned(session, offers, policy):
    """Which customers get an offer in a plan with a budget of 10."""
    data = three_customers()
    rows = [
        (f"c{n}", float(data["risk"][n]), float(data["gain"][n]), float(data["cost"][n]))
        for n in range(3)
    ]
    (name,) = (o.name for o in offers)
    options = session.createDataFrame(
        rows,
        f"customer_id string, churn_probability double, gain_{name} double, cost_{name} double",
    )
    options = policy_options(options, offers, policy, offer_id=name, is_money=True)
    plan = allocate(Problem(options, [name], "money", 10.0, {}), lambda frame: frame)
    rows = plan.rows.select("customer_id", "choice").toPandas().sort_values("customer_id")
    return (rows["choice"] == name).tolist()


def compared_choices(context, policy, offer):
    """Which customers get an offer in the comparison of policies with a budget of 10."""
    data = three_customers()
    cost = np.column_stack([np.zeros(3), data["cost"]])
    trial = SimpleNamespace(
        risk=np.column_stack([data["risk"], data["risk"]]),
        # The value at which the assumed effect of the rules gives the gains above.
        value=(data["gain"] + data["cost"])
        / (context.settings.decisions.assumed_effect * data["risk"]),
        cost=cost,
    )
    sample = pd.DataFrame({"rule_offer": [offer] * 3})
    effects = np.zeros((3, 1))
    choices = policy_choice.policy_choices(
        context, sample, effects, trial=trial, single=1, names=[offer], budget=(10.0, True)
    )
    return (choices[policy] > 0).tolist()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # The risk 0.9 at a cost of 10 comes first, although the others gain more per money.
        ("by_risk", [True, False, False]),
        # A gain of 8 + 7 for a cost of 10, against 9.
        ("rules", [False, True, True]),
    ],
)
def test_the_comparison_makes_the_same_choices_as_a_plan(session, policy, expected):
    conf = settings.load("demo", decisions={"budget": {"customers_share": None, "money": 10.0}})
    context = SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1))
    assert planned(session, OFFERS, policy) == expected
    assert compared_choices(context, policy, "winback_survey") == expected


def rows_with(qini, mean):
    """Rows of gold.uplift_results with value, ci_low and ci_high."""
    names = ("value", "ci_low", "ci_high")
    return [
        {"offer_id": "ten", "metric": metric, **dict(zip(names, values, strict=True))}
        for metric, values in (("qini", qini), ("average_effect", mean))
    ]


def test_an_offer_has_a_common_effect_unless_the_effect_differs_between_customers():
    unclear = (0.01, -0.01, 0.03)
    assert uplift_learning.average_of(rows_with((0.02, 0.01, 0.03), unclear), "ten") is None
    assert uplift_learning.average_of(rows_with(unclear, (0.04, 0.01, 0.07)), "ten") == 0.04
    assert uplift_learning.average_of(rows_with(unclear, unclear), "ten") == 0.0
    effects = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    followed = uplift_learning.followed_effects(effects, [None, 0.04, 0.0])
    assert followed.tolist() == [[0.1, 0.04, 0.0], [0.4, 0.04, 0.0]]


@pytest.mark.parametrize(("average", "share"), [(0.0, 0.0), (None, 1.0), (0.03, 1.0)])
def test_the_policy_uplift_is_compared_with_the_effects_that_a_plan_uses(
    context, monkeypatch, average, share
):
    """The model predicts 10 percentage points per customer. The value is 100, the cost 1."""
    sample = campaign(25, 25).drop(columns=["value", "rule_offer"])
    sample = sample.assign(customer_id=[f"c{n}" for n in range(100)], as_of=context.as_of, x=0.0)
    known = sample[["customer_id"]].assign(value=100.0, rule_offer=None)
    monkeypatch.setattr(uplift_learning, "sampled", lambda *_: sample)
    monkeypatch.setattr(policy_choice, "is_scored", lambda *_: True)
    monkeypatch.setattr(policy_choice, "facts", lambda *_: SimpleNamespace(toPandas=known.copy))
    model = SimpleNamespace(
        arms=("winback_survey",),
        learner="t_learner",
        effects=lambda matrix: np.full((len(matrix), 1), 0.1),
        risks=lambda matrix: np.full((len(matrix), 2), 0.5),
    )
    rows = uplift_estimation.policy_rows(
        context, None, None, names=["x"], model=model, averages=[average]
    )
    (row,) = (r for r in rows if r["policy"] == "uplift")
    assert row["treated_share"] == share
