"""validate_model: the verdict on a version, its record, and what a crash or another day leaves."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from contracts import catalog
from models.encoding import FeatureEncoder
from models.model_gate import BRIER, LOG_LOSS, Check
from models.portable import LinearScorer, PortableModel
from pipelines.churn import champion_rollback, model_deployment, model_validation, verdicts
from pipelines.churn.model_validation import reason_of
from pipelines.churn.verdicts import ACCEPTED, REFUSED, WITHDRAWN
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.progress import Progress
from runtime.settings import load

# The primary horizon is 30 days, so this day tests on 2 December.
AS_OF, TEST = dt.date(2018, 1, 1), "2017-12-02"
PASSED = Check(BRIER, True, 900, value=-0.001, low=-0.002, high=0.001, bound=0.002)
FAILED = Check(LOG_LOSS, False, 600, "At Risk", value=0.03, low=0.02, high=0.04, bound=0.01)


@pytest.fixture(autouse=True)
def _no_session(monkeypatch):
    """On DuckDB MLflow must not take sqlframe's session for a Spark session."""
    from pyspark.sql import SparkSession

    if not hasattr(SparkSession, "_instantiatedSession"):
        monkeypatch.setattr(SparkSession, "_instantiatedSession", None, raising=False)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """One store of MLflow for all tests, since to make one takes seconds."""
    return str(tmp_path_factory.mktemp("registry") / "lake")


@pytest.fixture
def context(root, request):
    """A run that keeps its lines in `said` and its rows in `written`; `fails`: no commit is made.

    Each test has a registered model of its own.
    """
    name = re.sub(r"\W", "_", request.node.name)
    place = {"root": root, "catalog": None}
    settings = load("demo", lakehouse=place, mlflow={"model_name": name})
    made = SimpleNamespace(
        settings=settings,
        progress=Progress(is_quiet=True),
        said=[],
        written=[],
        fails=False,
        is_dry=False,
        as_of=AS_OF,
        observed_from=dt.date(2017, 1, 1),
        table=catalog.tables().__getitem__,
        spark=SimpleNamespace(createDataFrame=lambda rows, ddl: rows),
        lake=SimpleNamespace(forget=lambda: None),
    )

    @contextmanager
    def on(tables):
        assert tables == ["models.churn"]
        yield

    def write(writes):
        if made.fails:
            raise KeyboardInterrupt
        made.written += [(w.table.name, w.frame, w.slices) for w in writes]

    made.progress.say = made.said.append
    made.leases, made.write = SimpleNamespace(on=on), write
    return made


@pytest.fixture
def registry(context):
    registry = Registry(context.settings)
    registry.client.create_registered_model(registry.model_name)
    return registry


@pytest.fixture
def version(registry):
    """A function: its last label date -> the number of a new version, which becomes challenger."""

    def register(tested_on=TEST):
        facts = {
            **{"tested_on": tested_on, "horizon_days": 30, "lead_days": 0},
            "definition": "inactivity",
        }
        scorer = LinearScorer((1.0,), 0.0, (0.0,))
        model = PortableModel(FeatureEncoder(("x",), fill=(0.0,)), scorer, metadata=facts)
        run = registry.client.create_run(registry.experiment_id())
        registry.client.log_text(run.info.run_id, model.to_json(), "portable/portable.json")
        created = registry.client.create_model_version(
            registry.model_name, run.info.artifact_uri, run_id=run.info.run_id
        )
        registry.set_alias(CHALLENGER, str(created.version))
        return str(created.version)

    return register


@pytest.fixture
def judging(monkeypatch):
    """What the rule finds: `checks`, and how often it was asked: `times`."""
    state = SimpleNamespace(checks=[PASSED], times=0)

    def judged(*_, **__):
        state.times += 1
        return state.checks, reason_of(state.checks)

    monkeypatch.setattr(model_validation, "judged", judged)
    return state


def tags(registry, number):
    return verdicts.verdict_on(registry, number)


def test_an_accepted_version_is_tagged_recorded_and_deployed(context, registry, version, judging):
    number = version()
    model_validation.run(context)
    text = "Brier score -0.0010 (-0.0020 to +0.0010) against the champion, allowed up to +0.002"
    assert tags(registry, number) == verdicts.Verdict(ACCEPTED, "-", TEST, text)
    assert context.said[-1] == f"      version {number} accepted: {text}"
    ((table, rows, slices),) = context.written
    name = registry.model_name
    comparison = f"{name}/{number} against - on {TEST}"
    assert (table, slices) == ("gold.model_validations", [comparison])
    (row,) = rows
    assert dict(zip(context.table(table).column_names, row, strict=True)) == {
        **{"comparison": comparison, "model_name": name, "model_version": number},
        **{"champion_version": "-", "tested_on": dt.date(2017, 12, 2), "check_name": "brier_rise"},
        **{"segment": "all", "customers": 900, "value": -0.001, "ci_low": -0.002},
        **{"ci_high": 0.001, "bound": 0.002, "is_passed": True, "is_accepted": True},
        "data_set": "demo",
    }
    run = registry.client.get_run(registry.by_version(number).run_id)
    assert run.data.tags["promotion"] == text
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) == number


def test_one_failed_check_refuses_and_the_reason_names_it(context, registry, version, judging):
    judging.checks = [PASSED, FAILED]
    number = version()
    model_validation.run(context)
    verdict = tags(registry, number)
    assert (verdict.outcome, verdict.reason) == (
        REFUSED,
        "log loss of At Risk (600) +0.0300 (+0.0200 to +0.0400) against the champion, allowed up "
        "to +0.01",
    )
    ((_, rows, _),) = context.written
    assert [(row[5], row[12], row[13]) for row in rows] == [
        ("brier_rise", True, False),
        ("log_loss_rise", False, False),
    ]
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) is None


def test_a_version_is_judged_once_and_its_rows_are_restored(context, registry, version, judging):
    version()
    model_validation.run(context)
    model_validation.run(context)
    assert judging.times == 1
    assert context.written[0] == context.written[1]
    model_deployment.run(context)
    model_validation.run(context)  # it is the champion now
    assert judging.times == 1 and context.written[0] == context.written[2]


def test_another_champion_or_another_rule_is_another_verdict(context, registry, version, judging):
    first = version()
    registry.promote(first)
    number = version()
    model_validation.run(context)
    assert tags(registry, number).against == first
    gate = context.settings.model_gate.model_copy(update={"brier_rise": 0.5})
    context.settings = context.settings.model_copy(update={"model_gate": gate})
    model_validation.run(context)
    assert judging.times == 2
    other = version()
    registry.promote(other)
    registry.set_alias(CHALLENGER, number)
    model_validation.run(context)
    assert judging.times == 3 and tags(registry, number).against == other


def test_a_crash_before_the_verdict_leaves_none_and_the_next_run_judges_again(
    context, registry, version, judging
):
    first = version()
    registry.promote(first)
    number = version()
    context.fails = True
    with pytest.raises(KeyboardInterrupt):
        model_validation.run(context)
    assert tags(registry, number) is None
    with pytest.raises(ModelGateError, match="has not judged it"):
        model_deployment.run(context)
    assert registry.number_of(CHAMPION) == first
    context.fails = False
    model_validation.run(context)
    model_deployment.run(context)
    assert (judging.times, registry.number_of(CHAMPION)) == (2, number)


def test_a_verdict_that_is_given_again_is_gone_while_the_record_changes(
    context, registry, version, judging
):
    """A crash between the new record and the new verdict must not leave the old verdict."""
    number = version()
    model_validation.run(context)
    gate = context.settings.model_gate.model_copy(update={"brier_rise": 0.0})
    context.settings = context.settings.model_copy(update={"model_gate": gate})
    judging.checks, context.fails = [FAILED], True
    with pytest.raises(KeyboardInterrupt):
        model_validation.run(context)
    assert tags(registry, number) is None


def test_a_version_that_was_rolled_back_stays_withdrawn(context, registry, version, judging):
    first = version()
    registry.promote(first)
    number = version()
    model_validation.run(context)
    model_deployment.run(context)
    champion_rollback.run(context)
    model_validation.run(context)
    model_deployment.run(context)
    assert judging.times == 1
    assert tags(registry, number).outcome == WITHDRAWN
    assert registry.number_of(CHAMPION) == first
    again = version()
    model_validation.run(context)
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) == again


@pytest.mark.parametrize("alias", [CHALLENGER, CHAMPION])
def test_a_model_of_a_later_day_is_not_judged_on_labels_that_it_knows(
    context, registry, version, judging, alias
):
    late = version("2017-12-03")
    if alias == CHAMPION:
        registry.promote(late)
        version()
    model_validation.run(context)
    assert judging.times == 0 and context.written == []
    assert context.said == [
        f"      skipped     as_of 2018-01-01: the {alias}, version {late}, was trained with labels "
        f"up to 2017-12-03, but this run tests on {TEST}, so the {alias} knows the test labels. "
        "Nothing was judged. Use as_of 2018-01-02 or later, or another mlflow.model_name."
    ]


def test_a_champion_of_an_earlier_version_of_holdfast_has_no_verdict_and_stays(
    context, registry, version, judging
):
    number = version()
    registry.promote(number)
    model_validation.run(context)
    assert (judging.times, context.written) == (0, [])
    assert context.said == [f"      version {number} is the champion already"]


def test_without_a_challenger_there_is_nothing_to_judge(context, registry):
    text = (
        f"{registry.model_name}: no version has the alias challenger, so there is nothing to judge."
    )
    with pytest.raises(ModelGateError) as caught:
        model_validation.run(context)
    assert str(caught.value) == f"{text} Run `holdfast train_churn --env demo` first."
    context.is_dry = True
    model_validation.run(context)
    assert context.said == [f"      {text}"]


def test_a_dry_run_gives_no_verdict(context, registry, version, judging):
    number = version()
    context.is_dry = True
    model_validation.run(context)
    assert (tags(registry, number), judging.times, context.written) == (None, 0, [])
    assert context.said == [f"      version {number}: would be judged on {TEST}"]
