"""Which policy a plan follows: the greatest value that fits, and it is said where that may be 0."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from pipelines.offers import offer_planning, policy_choice, uplift_campaigns, uplift_estimation
from pipelines.offers.budget_allocation import allocate
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.shadow_prices import Problem
from runtime import settings
from runtime.progress import Progress
from runtime.settings.offers import OfferCost, load_offers
from transforms.offers import cost_of

OFFERS = {"winback_survey": load_offers()["winback_survey"]}


class Said(Progress):
    """What a run told its user."""

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
    """100 customers worth 100, half of them sent the survey, by how many of either side left."""
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
    found = policy_choice.compared(context, sample, effects, risks, OFFERS)
    uplift_estimation.tell_policies(context, found)
    (chosen,) = (r for r in found if r["is_chosen"])
    return chosen, next(line for line in context.progress.lines if ", followed" in line)


def test_the_greatest_value_is_followed_and_said_where_it_may_be_nothing(context):
    """25 of 50 sent left, 27 of 50 held out: 4 of 100 kept, worth 4 each of 100, less 1 of cost."""
    chosen, said = compared(context, 25, 27)
    assert chosen["policy"] == "uplift"
    assert chosen["value_a_customer"] == pytest.approx(100 * 0.04 - 1)
    assert chosen["ci_low"] < 0 < chosen["ci_high"]
    assert said.endswith(", followed, not proven to beat sending nothing")


def test_an_interval_above_0_is_followed_without_a_word(context):
    chosen, said = compared(context, 5, 45)
    assert chosen["policy"] == "uplift" and chosen["ci_low"] > 0
    assert said.endswith(", followed")


def test_what_loses_money_is_not_followed(context):
    chosen, said = compared(context, 25, 25)
    assert chosen["policy"] == "treat_none"
    assert said.endswith(", followed")


@pytest.mark.parametrize("unit", ["customers", "money"])
def test_a_policy_above_the_budget_is_not_followed_whatever_it_is_worth(context, unit):
    """Of 50 sent 5 left, of 50 held out 45: each of the 100 surveys brings 100 x .8 and costs 1,
    and the budget is enough for half of them."""
    budget = {"customers_share": 0.5, "money": None}
    if unit == "money":
        # As many customers can still be kept as the sample has, so the budget is not scaled.
        budget = {"customers_share": None, "money": 50.0}
        kept = SimpleNamespace(where=lambda _: SimpleNamespace(count=lambda: 100))
        context.read = {"gold.customer_segments": kept}.__getitem__
    context.settings = settings.load("demo", decisions={"budget": budget})
    sample = campaign(5, 45)
    effects, risks = np.full((100, 1), 0.1), np.full((100, 2), 0.5)

    rows = policy_choice.compared(context, sample, effects, risks, OFFERS)

    treat_all = next(row for row in rows if row["policy"] == "treat_all")
    assert treat_all["value_a_customer"] == pytest.approx(100 * 0.8 - 1)
    assert treat_all["value_a_customer"] == max(row["value_a_customer"] for row in rows)
    assert [row["policy"] for row in rows if not row["is_within_budget"]] == ["treat_all"]
    within = [row for row in rows if row["policy"] != "treat_all"]
    (chosen,) = (row for row in rows if row["is_chosen"])
    assert chosen["value_a_customer"] == max(row["value_a_customer"] for row in within) > 0
    assert chosen["treated_share"] == 0.5


@pytest.mark.parametrize("name", list(load_offers()))
def test_the_expected_cost_is_the_cost_of_a_plan(session, name):
    """Paid on redemption or when sent, as money or as a share; a negative value costs nothing."""
    offer, worth = load_offers()[name], np.array([200.0, 12.5, 0.0, -50.0])
    (of_plan,) = (o for o in offers_of_conf() if o.name == name)
    numbered = [(n, float(value)) for n, value in enumerate(worth)]
    rows = session.createDataFrame(numbered, "number int, value_at_stake double")
    costs = rows.select("number", cost_of(of_plan, 0.3).alias("cost")).toPandas()
    expected = costs.sort_values("number")["cost"].to_numpy(float)
    assert policy_choice.expected_cost(offer, 0.3, worth) == pytest.approx(expected)


def test_the_expected_cost_by_hand():
    """20 % of 200 to the three of ten who redeem; 5 % of 200 to all who are sent the offer."""
    offers, worth = load_offers(), np.array([200.0])
    assert policy_choice.expected_cost(offers["discount_20"], 0.3, worth) == pytest.approx(
        [200 * 0.20 * 0.3]
    )
    assert policy_choice.expected_cost(offers["feature_unlock"], 0.3, worth) == pytest.approx(
        [200 * 0.05]
    )
    paid = offers["winback_survey"].model_copy(
        update={"cost": OfferCost(money=4.0, paid="redeemed")}
    )
    assert policy_choice.expected_cost(paid, 0.3, worth) == pytest.approx([4.0 * 0.3])


def three_customers():
    """The one at the highest risk costs as much as the two after them."""
    return {
        "risk": np.array([0.9, 0.8, 0.7]),
        "cost": np.array([10.0, 5.0, 5.0]),
        "gain": np.array([9.0, 8.0, 7.0]),
    }


def planned(session, offers, policy, context):
    """Who gets an offer of a plan with a budget of 10."""
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
    options = offer_planning.followed(context, options, offers, offer_planning.Policy(policy, name))
    plan = allocate(Problem(options, [name], "money", 10.0, {}), lambda frame: frame)
    found = plan.rows.select("customer_id", "choice").toPandas().sort_values("customer_id")
    return (found["choice"] == name).tolist()


def judged(context, policy, offer):
    data = three_customers()
    cost = np.column_stack([np.zeros(3), data["cost"]])
    trial = SimpleNamespace(
        risk=np.column_stack([data["risk"], data["risk"]]),
        # What the rules' assumed effect must be worth for the gains above.
        value=(data["gain"] + data["cost"])
        / (context.settings.decisions.assumed_effect * data["risk"]),
        cost=cost,
    )
    sample = pd.DataFrame({"rule_offer": [offer] * 3})
    effects = np.zeros((3, 1))
    choices = policy_choice.policy_choices(
        context, sample, effects, trial, 1, [offer], (10.0, True)
    )
    return (choices[policy] > 0).tolist()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        # .9 at 10 comes first; the others are worth more for the money, but come after.
        ("by_risk", [True, False, False]),
        # 8 + 7 for 10, against 9.
        ("rules", [False, True, True]),
    ],
)
def test_a_policy_is_judged_by_the_choices_that_its_plan_makes(session, policy, expected):
    conf = settings.load("demo", decisions={"budget": {"customers_share": None, "money": 10.0}})
    context = SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1))
    offers = [offer for offer in offers_of_conf() if offer.name == "winback_survey"]
    assert planned(session, offers, policy, context) == expected
    assert judged(context, policy, "winback_survey") == expected


def rows_with(qini, mean):
    """Rows of gold.uplift_results: value, low and high."""
    names = ("value", "ci_low", "ci_high")
    return [
        {"offer_id": "ten", "metric": metric, **dict(zip(names, values, strict=True))}
        for metric, values in (("qini", qini), ("average_effect", mean))
    ]


def test_an_offers_effect_is_one_for_all_but_where_it_can_be_told_apart():
    unclear = (0.01, -0.01, 0.03)
    assert uplift_campaigns.average_of(rows_with((0.02, 0.01, 0.03), unclear), "ten") is None
    assert uplift_campaigns.average_of(rows_with(unclear, (0.04, 0.01, 0.07)), "ten") == 0.04
    assert uplift_campaigns.average_of(rows_with(unclear, unclear), "ten") == 0.0
    effects = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    found = uplift_campaigns.followed_effects(effects, [None, 0.04, 0.0])
    assert found.tolist() == [[0.1, 0.04, 0.0], [0.4, 0.04, 0.0]]


@pytest.mark.parametrize(("average", "share"), [(0.0, 0.0), (None, 1.0), (0.03, 1.0)])
def test_uplift_is_judged_by_the_effects_that_a_plan_follows(context, monkeypatch, average, share):
    """10 points each by the model; worth 100, the survey costs 1."""
    sample = campaign(25, 25).drop(columns=["value", "rule_offer"])
    sample = sample.assign(customer_id=[f"c{n}" for n in range(100)], as_of=context.as_of, x=0.0)
    known = sample[["customer_id"]].assign(value=100.0, rule_offer=None)
    monkeypatch.setattr(uplift_campaigns, "sampled", lambda *_: sample)
    monkeypatch.setattr(policy_choice, "is_scored", lambda *_: True)
    monkeypatch.setattr(policy_choice, "facts", lambda *_: SimpleNamespace(toPandas=known.copy))
    model = SimpleNamespace(
        arms=("winback_survey",),
        learner="t_learner",
        effects=lambda matrix: np.full((len(matrix), 1), 0.1),
        risks=lambda matrix: np.full((len(matrix), 2), 0.5),
    )
    found = uplift_estimation.policy_rows(context, None, None, ["x"], model, [average])
    (row,) = (r for r in found if r["policy"] == "uplift")
    assert row["treated_share"] == share
