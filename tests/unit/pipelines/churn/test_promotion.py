"""Deployment, refusal, rollback, and a crash between a verdict's tags and before the alias moves."""

from __future__ import annotations

import dataclasses
import time
from types import SimpleNamespace

import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn import champion_rollback, model_deployment, verdicts
from pipelines.churn.verdicts import ACCEPTED, NOBODY, REFUSED, Verdict
from runtime.errors import ModelGateError
from runtime.model_digest import tag_of, text_digest
from runtime.model_registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, rollback
from runtime.progress import Progress
from runtime.settings import load

ENCODER = FeatureEncoder(numeric=("x",), fill=(0.0,))
EXPLAINED = PortableModel(ENCODER, LinearScorer((1.0,), 0.0, (0.0,)))


@pytest.fixture(scope="module", autouse=True)
def _no_session():
    """On DuckDB MLflow must not take sqlframe's session for a Spark session."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        if not hasattr(SparkSession, "_instantiatedSession"):
            patch.setattr(SparkSession, "_instantiatedSession", None, raising=False)
        yield


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    root = tmp_path_factory.mktemp("registry") / "lake"
    settings = load("demo", lakehouse={"root": str(root), "catalog": None})
    return SimpleNamespace(settings=settings, progress=Progress(is_quiet=True), is_dry=False)


@pytest.fixture(scope="module")
def registry(context):
    return Registry(context.settings)


@pytest.fixture
def version(registry):
    """A function: model -> the number of its new version, which becomes challenger."""
    if not registry.client.search_registered_models(f"name = '{registry.model_name}'"):
        registry.client.create_registered_model(registry.model_name)

    def register(model=EXPLAINED):
        run = registry.client.create_run(registry.experiment_id())
        registry.client.log_text(run.info.run_id, model.to_json(), "portable/portable.json")
        created = registry.client.create_model_version(
            registry.model_name, run.info.artifact_uri, run_id=run.info.run_id
        )
        registry.set_alias(CHALLENGER, str(created.version))
        return str(created.version)

    return register


@pytest.fixture
def champion(registry, version):
    """The number of the champion version."""
    number = version()
    registry.promote(number)
    return number


ACCEPT = Verdict(ACCEPTED, "", "2017-12-02", "Brier score -0.0010")


@pytest.fixture
def judge(registry):
    """A function: number of a version, outcome -> the verdict against today's champion."""

    def judge_version(number, outcome=ACCEPTED, against=None):
        today = registry.number_of(CHAMPION) or NOBODY
        verdict = dataclasses.replace(ACCEPT, outcome=outcome, against=against or today)
        verdicts.give(registry, number, verdict)

    return judge_version


@pytest.fixture
def said(context, monkeypatch):
    """The lines that commands print."""
    lines: list[str] = []
    monkeypatch.setattr(context.progress, "say", lines.append)
    return lines


def test_an_accepted_version_becomes_champion_and_the_former_one_previous(
    context, registry, version, champion, judge, said
):
    number = version()
    judge(number)
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) == number
    assert registry.number_of(PREVIOUS) == champion
    model_deployment.run(context)
    assert said[-2:] == [
        f"      version {number} is the champion",
        f"      version {number} is the champion already",
    ]
    assert registry.number_of(PREVIOUS) == champion


def test_a_refused_version_leaves_the_champion(context, registry, version, champion, judge, said):
    number = version()
    judge(number, REFUSED)
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) == champion
    assert said == [
        f"      version {number} was refused, version {champion} stays champion: "
        "Brier score -0.0010"
    ]


def test_a_version_without_a_verdict_of_its_own_is_not_deployed(
    context, registry, version, champion, judge
):
    """The verdict on the version before it does not count."""
    judge(version())
    number = version()
    with pytest.raises(ModelGateError) as caught:
        model_deployment.run(context)
    assert str(caught.value) == (
        f"churn version {number}: validate_model has not judged it, so it was not deployed. "
        "Run `holdfast validate_model --env demo` first."
    )
    assert caught.value.exit_code == 4
    assert registry.number_of(CHAMPION) == champion


def test_a_verdict_against_another_champion_does_not_count(
    context, registry, version, champion, judge
):
    number = version()
    judge(number, against="99")
    with pytest.raises(ModelGateError) as caught:
        model_deployment.run(context)
    assert str(caught.value) == (
        f"churn version {number}: it was judged against champion 99, but the champion is "
        f"{champion}. Nothing was deployed. Run `holdfast validate_model --env demo` again."
    )
    assert registry.number_of(CHAMPION) == champion


def test_a_version_that_was_rolled_back_is_not_deployed_again(
    context, registry, version, champion, judge, said
):
    number = version()
    judge(number)
    model_deployment.run(context)
    champion_rollback.run(context)
    assert registry.number_of(CHAMPION) == champion
    model_deployment.run(context)
    assert registry.number_of(CHAMPION) == champion
    assert said[-1] == (
        f"      version {number} was rolled back and is not deployed again: version {champion} "
        "stays champion"
    )


def test_a_crash_before_the_last_tag_leaves_no_verdict(registry, version, champion, monkeypatch):
    number, tag = version(), registry.client.set_model_version_tag

    def dying(model, of, name, value):
        if name == verdicts.VERDICT:
            raise KeyboardInterrupt
        tag(model, of, name, value)

    monkeypatch.setattr(registry.client, "set_model_version_tag", dying)
    with pytest.raises(KeyboardInterrupt):
        verdicts.give(registry, number, ACCEPT)
    assert verdicts.verdict_on(registry, number) is None
    monkeypatch.undo()
    verdicts.give(registry, number, ACCEPT)
    assert verdicts.verdict_on(registry, number) == ACCEPT
    verdicts.clear(registry, number)
    assert verdicts.verdict_on(registry, number) is None


def test_a_long_reason_fits_into_a_tag(registry, version):
    number = version()
    verdicts.give(registry, number, dataclasses.replace(ACCEPT, reason="x" * 400))
    assert len(verdicts.verdict_on(registry, number).reason) == 250


def test_a_dry_run_deploys_nothing(context, registry, version, champion, judge, said):
    number = version()
    judge(number)
    dry = SimpleNamespace(**{**vars(context), "is_dry": True})
    model_deployment.run(dry)
    assert registry.number_of(CHAMPION) == champion
    assert said == [f"      version {number} would become champion"]


def test_a_challenger_whose_file_was_changed_is_not_deployed(
    context, registry, version, champion, judge
):
    number = version()
    judge(number)
    run_id = registry.client.get_model_version(registry.model_name, number).run_id
    digest = text_digest(registry.run_text(run_id, "portable/portable.json"))
    registry.client.set_model_version_tag(
        registry.model_name, number, tag_of("portable.json"), digest
    )
    registry.client.log_text(run_id, "{}", "portable/portable.json")
    with pytest.raises(ModelGateError, match="has the SHA-256"):
        model_deployment.run(context)
    assert registry.number_of(CHAMPION) == champion


def test_without_a_challenger_there_is_nothing_to_deploy(context, said):
    empty = load("demo", lakehouse={"root": str(context.settings.root), "catalog": None})
    other = SimpleNamespace(
        settings=empty.model_copy(
            update={"mlflow": empty.mlflow.model_copy(update={"model_name": "another"})}
        ),
        progress=context.progress,
        is_dry=False,
    )
    text = "another: no version has the alias challenger, so there is nothing to deploy."
    with pytest.raises(ModelGateError) as caught:
        model_deployment.run(other)
    assert str(caught.value) == f"{text} Run `holdfast train_churn --env demo` first."
    other.is_dry = True
    model_deployment.run(other)
    assert said == [f"      {text}"]


@pytest.mark.parametrize("alias", [PREVIOUS, CHAMPION])
def test_a_crash_before_the_alias_moves_leaves_the_champion(
    registry, version, champion, monkeypatch, alias
):
    number, move = version(), registry.set_alias

    def dying(name, to):
        if name == alias:
            raise KeyboardInterrupt
        move(name, to)

    monkeypatch.setattr(registry, "set_alias", dying)
    with pytest.raises(KeyboardInterrupt):
        registry.promote(number)
    assert registry.by_alias(CHAMPION).version == champion
    # The next attempt continues where the crash happened.
    monkeypatch.undo()
    registry.promote(number)
    assert registry.by_alias(CHAMPION).version == number
    assert registry.by_alias(PREVIOUS).version == champion


def test_a_store_that_does_not_answer_is_not_one_without_a_champion(
    registry, version, champion, monkeypatch
):
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

    def locked(*_):
        raise MlflowException("database is locked", TEMPORARILY_UNAVAILABLE)

    number, moved = version(), []
    with monkeypatch.context() as patch:
        patch.setattr(registry.client, "get_model_version_by_alias", locked)
        patch.setattr(registry, "set_alias", lambda *alias: moved.append(alias))
        with pytest.raises(MlflowException, match="database is locked"):
            registry.by_alias(CHAMPION)
        with pytest.raises(MlflowException, match="database is locked"):
            registry.promote(number)
    assert not moved and registry.by_alias(CHAMPION).version == champion


def test_a_missing_alias_and_a_missing_model_are_none(registry, version, context):
    version()
    assert registry.by_alias("nobody") is None
    assert Registry(context.settings, "another").by_alias(CHAMPION) is None


def test_rollback_takes_less_than_five_seconds_and_can_be_undone(registry, version, champion):
    number = version()
    registry.promote(number)
    began = time.perf_counter()
    assert rollback(registry) == champion
    assert time.perf_counter() - began < 5
    assert registry.by_alias(CHAMPION).version == champion
    assert rollback(registry) == number


def test_a_tampered_champion_is_refused(registry, version, context):
    number = version()
    run_id = registry.client.get_model_version(registry.model_name, number).run_id
    text = registry.run_text(run_id, "portable/portable.json")
    registry.client.log_text(run_id, text.replace("1.0", "2.0", 1), "portable/portable.json")
    with pytest.raises(ValueError, match="checksum"):
        PortableModel.from_json(registry.by_version(number).portable)


def test_without_a_version_before_there_is_nothing_to_go_back_to(context):
    with pytest.raises(ModelGateError, match="nothing to go back to"):
        rollback(Registry(context.settings, "another"))
