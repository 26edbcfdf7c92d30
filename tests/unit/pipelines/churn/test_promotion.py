"""Promotion, refusal, rollback, and a crash between registering a version and setting its alias."""

from __future__ import annotations

import re
import time
from types import SimpleNamespace

import mlflow
import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, MlpScorer, PortableModel
from pipelines.churn.churn_training import deserves_promotion
from pipelines.churn.evaluation import Evaluated
from runtime.errors import ModelGateError
from runtime.model_registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, rollback
from runtime.progress import Progress
from runtime.settings import load

ENCODER = FeatureEncoder(numeric=("x",), fill=(0.0,))
EXPLAINED = PortableModel(ENCODER, LinearScorer((1.0,), 0.0, (0.0,)))
WEIGHTS = (np.array([[0.1]]), np.array([[1.0, -2.0]]))
UNEXPLAINED = PortableModel(ENCODER, MlpScorer(WEIGHTS, (np.array([0.5]), np.array([0.2, 0.7]))))


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
    return SimpleNamespace(settings=settings, progress=Progress(is_quiet=True))


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


@pytest.fixture
def judged(context, registry, monkeypatch):
    """A function: (version, seed, noise) -> whether the version was promoted.

    Its scores are the label plus noise (None: noise only; 0.8: the champion's own scores). The
    champion's scores have a noise of 0.8. `tags` holds the MLflow tags of the last call.
    """
    tags: dict[str, str] = {}
    monkeypatch.setattr(mlflow, "set_tags", tags.update)

    def judge(number, seed, noise):
        draw = np.random.default_rng(seed)
        label = (draw.random(1_500) < 0.2).astype(float)
        scores = {CHAMPION: label + draw.normal(0, 0.8, 1_500)}
        scores["xgboost"] = (
            draw.random(1_500) if noise is None else label + draw.normal(0, noise, 1_500)
        )
        if noise == 0.8:
            scores["xgboost"] = scores[CHAMPION]
        customers = [f"c{i}" for i in range(1_500)]
        rows = pd.DataFrame({"customer_id": customers, "churned": label, "purchases_90d": 1})
        evaluated = Evaluated("test", rows, scores, {})
        champion = registry.by_alias(CHAMPION)
        is_promoted = deserves_promotion(
            context, registry, evaluated, name="xgboost", champion=champion, version=number
        )
        assert tags["is_promoted"] == str(is_promoted)
        assert registry.by_alias(CHAMPION).version == champion.version
        if is_promoted:
            registry.promote(number)
        return is_promoted

    judge.tags = tags
    return judge


def test_a_worse_model_is_refused_twenty_times_of_twenty(judged, registry, version, champion):
    worse = version()
    assert not any(judged(worse, seed, 1.0) for seed in range(10))
    assert not any(judged(worse, seed, None) for seed in range(10))
    assert registry.by_alias(CHAMPION).version == champion


def test_one_that_is_no_better_is_refused(judged, registry, version, champion):
    assert not judged(version(), 1, 0.8)
    assert judged.tags["promotion"] == (
        "xgboost: ROC AUC +0.0000 (+0.0000 to +0.0000) against champion"
    )
    assert registry.by_alias(CHAMPION).version == champion


@pytest.mark.parametrize("seed", [3, 5])
def test_a_gain_that_may_be_chance_is_refused(judged, registry, version, champion, seed):
    """Noise of .79 against .8: the point estimate lies above zero, the interval includes zero."""
    assert not judged(version(), seed, 0.79)
    told = re.fullmatch(
        r"xgboost: ROC AUC (\S+) \((\S+) to (\S+)\) against champion", judged.tags["promotion"]
    )
    gain, low, high = (float(number) for number in told.groups())
    assert low < 0 < gain < high
    assert registry.by_alias(CHAMPION).version == champion


def test_a_better_one_is_promoted_but_not_without_exact_explanations(
    judged, registry, version, champion
):
    assert not judged(version(UNEXPLAINED), 1, 0.4)
    assert judged.tags["promotion"].endswith("; has no exact explanations")
    assert registry.by_alias(CHAMPION).version == champion
    better = version()
    assert judged(better, 1, 0.4)
    assert registry.by_alias(CHAMPION).version == better
    assert registry.by_alias(PREVIOUS).version == champion


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
