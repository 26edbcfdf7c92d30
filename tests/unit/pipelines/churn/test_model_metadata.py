"""The metadata of a model: the cold-start base rate, and the meaning of its probability."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn import arms, churn_training
from pipelines.churn.churn_training import train
from pipelines.churn.model_metadata import check_meaning, cold_start_rate, served_facts
from pipelines.churn.time_split import Schedule
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, Registered
from runtime.progress import Progress
from runtime.settings import load

CONF = {"horizon_days": 30, "lead_days": 0, "definition": "inactivity"}
DAY = dt.date(2018, 1, 1)


@pytest.fixture
def rate(session):
    """A function: groups of (tenure_days, churned, number of customers) -> rate at 7 days."""

    def of(*groups):
        rows = [(tenure, churned) for tenure, churned, count in groups for _ in range(count)]
        return cold_start_rate(session.createDataFrame(rows, "tenure_days int, churned int"), 7)

    return of


def test_it_is_that_of_those_known_for_less_than_the_days(rate):
    # 10 of 40 new customers churned. A customer known for seven days is not new.
    assert rate((6, 1, 10), (3, 0, 30), (7, 1, 25)) == pytest.approx(10 / 40)


def test_whose_first_day_nobody_knows_is_new(rate):
    assert rate((None, 1, 10), (0, 0, 30), (200, 1, 25)) == pytest.approx(10 / 40)


def test_fewer_than_thirty_make_no_rate_and_get_that_of_all(rate):
    assert rate((6, 1, 29), (200, 0, 71)) == pytest.approx(29 / 100)
    assert rate((200, 1, 3), (200, 0, 9)) == pytest.approx(3 / 12)


# --- a model of another meaning ------------------------------------------------------------------


def registered(version="3", **facts):
    encoder, scorer = FeatureEncoder(("x",), fill=(0.0,)), LinearScorer((1.0,), 0.0, (0.0,))
    model = PortableModel(encoder, scorer, metadata=facts)
    return Registered("churn", version, "run", model.to_json(), {})


@pytest.fixture
def context():
    """A context of demo, whose conf has the values of CONF, with an A/B test of models."""
    settings = load("demo", model_ab={"challenger_share": 0.3})
    return SimpleNamespace(settings=settings, as_of=DAY, progress=Progress(is_quiet=True))


def test_the_facts_of_a_model_tell_what_its_probability_is_of(context, session):
    rows = session.createDataFrame([(300, 1)], "tenure_days int, churned int")
    context.table = lambda name: SimpleNamespace(columns=[])
    facts = served_facts(context, Schedule((), DAY, DAY), rows, horizon_days=60)
    assert {fact: facts[fact] for fact in CONF} == {**CONF, "horizon_days": 60}
    # All customers churned, so contacting all who have this rate pays.
    assert (facts["cold_start_rate"], facts["cold_start_threshold"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({**CONF, "horizon_days": 60}, "churn.primary_horizon_days = 60 (conf: 30)"),
        (
            {**CONF, "lead_days": 7, "definition": "termination"},
            "churn.lead_days = 7 (conf: 0), churn.definition = termination (conf: inactivity)",
        ),
    ],
)
def test_a_model_of_another_meaning_is_refused(context, facts, told):
    with pytest.raises(ModelGateError) as caught:
        check_meaning(context, registered(**facts), "Nothing was written.")
    assert str(caught.value) == (
        f"churn version 3 was trained with {told}, so its probability has another meaning. Nothing "
        "was written. Change conf back, train under another mlflow.model_name, or roll back to a "
        "version that was trained with the values of conf."
    )


def test_a_model_that_does_not_tell_its_definition_counts_as_one_of_confs(context):
    check_meaning(context, registered(horizon_days=30, lead_days=0), "Nothing was written.")


@pytest.mark.parametrize("alias", [CHAMPION, CHALLENGER])
def test_neither_arm_scores_with_another_meaning(context, monkeypatch, alias):
    versions = {CHAMPION: registered("1", **CONF), CHALLENGER: registered("2", **CONF)}
    registry = SimpleNamespace(by_alias=versions.get, further_models=lambda *_: {})
    monkeypatch.setattr(arms, "Registry", lambda _: registry)
    assert [arm.name for arm in arms.serving_arms(context)] == [CHAMPION, CHALLENGER]
    version = versions[alias].version
    versions[alias] = registered(version, **{**CONF, "horizon_days": 60})
    with pytest.raises(ModelGateError, match=rf"version {version} was .*Nothing was written\."):
        arms.serving_arms(context)


def test_training_beside_a_champion_of_another_meaning_is_refused_before_any_fit(context):
    """With a longer horizon the champion was trained on the test labels too. The meaning is checked
    first, because a later as_of would not help."""
    context.settings = load("demo", churn={"primary_horizon_days": 60})
    champion = registered(**CONF, tested_on=(DAY - dt.timedelta(days=30)).isoformat())
    registry = SimpleNamespace(by_alias=lambda _: champion)
    plan = Schedule((), DAY - dt.timedelta(days=120), DAY - dt.timedelta(days=60))
    with pytest.raises(ModelGateError, match=r"its probability has .*Nothing was trained\."):
        train(context, {60: plan}, SimpleNamespace(columns=["x"]), registry=registry, mark="m")


# --- a day older than that of the newest model ---------------------------------------------------

EARLIER = DAY - dt.timedelta(days=30)
OLDER = (
    "as_of 2018-01-01: the challenger, version 3, was trained with labels up to 2018-01-01, but "
    "this run tests on 2017-12-02, so the challenger knows the test labels. Nothing was trained. "
    "Use as_of 2018-01-31 or later, or another mlflow.model_name."
)


@pytest.fixture
def older(context, monkeypatch):
    """A run of train_churn whose test date the challenger knows; `said` and `written` of it."""
    challenger = registered(**CONF, tested_on=DAY.isoformat())
    registry = SimpleNamespace(
        by_alias=lambda alias: challenger if alias == CHALLENGER else None,
        finished_run=lambda mark: None,
    )
    plan = Schedule((), EARLIER - dt.timedelta(days=30), EARLIER)
    rows = SimpleNamespace(columns=["x"])
    for name, value in {
        "training_plans": lambda _: {30: plan},
        "training_rows": lambda *_: rows,
        "check_labels": lambda *_: {"test": 1},
        "fingerprint": lambda *_: "mark",
        "Registry": lambda _: registry,
        **{name: lambda *_: None for name in ("tell_left_out", "tell_share", "check_finite")},
    }.items():
        monkeypatch.setattr(churn_training, name, value)
    monkeypatch.setattr(churn_training.settings_by_size, "sized", lambda given: given)
    context.said, context.written, context.is_dry = [], [], False
    context.progress.say = context.said.append
    context.write = context.written.append
    context.lake = SimpleNamespace(keep=lambda frame: frame, forget=lambda: None)
    return context


def test_an_older_day_is_refused_even_if_only_the_challenger_is_newer(older):
    with pytest.raises(ModelGateError) as caught:
        churn_training.run(older)
    assert (str(caught.value), caught.value.exit_code) == (OLDER, 4)


def test_an_older_day_is_skipped_if_asked_so_that_a_backfill_goes_on(older):
    churn_training.run(older, churn_training.TrainOptions(is_older_skipped=True))
    assert (older.said, older.written) == ([f"      skipped     {OLDER}"], [])
