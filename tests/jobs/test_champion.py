"""Who is champion: only a better model, back in one command, the old one after any crash."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from jobs.modelling.evaluation import Evaluated
from jobs.runtime.registry import CHAMPION, PREVIOUS, Registry, rollback
from jobs.train_churn import promote
from tests.jobs.trained_lake import training_context

pytestmark = pytest.mark.spark_only


def test_rollback_gives_the_alias_back(trained):
    registry = Registry(training_context(trained).settings)
    version = registry.client.create_model_version(
        registry.model_name,
        registry.client.get_model_version(registry.model_name, "1").source,
        run_id=registry.by_alias(CHAMPION).run_id,
    ).version
    registry.promote(str(version))
    assert registry.by_alias(CHAMPION).version == str(version)
    began = time.monotonic()
    assert rollback(registry) == "1"
    assert time.monotonic() - began < 5
    assert registry.by_alias(CHAMPION).version == "1"


@pytest.mark.parametrize("died_at", [CHAMPION, PREVIOUS])
def test_a_crash_between_registration_and_the_alias_leaves_the_champion(
    trained, monkeypatch, died_at
):
    registry = Registry(training_context(trained).settings)
    source = registry.client.get_model_version(registry.model_name, "1").source
    version = registry.client.create_model_version(registry.model_name, source).version
    given = registry.set_alias

    def dies(alias, version):
        if alias == died_at:
            raise KeyboardInterrupt
        given(alias, version)

    monkeypatch.setattr(registry, "set_alias", dies)
    with pytest.raises(KeyboardInterrupt):
        registry.promote(str(version))
    assert Registry(training_context(trained).settings).by_alias(CHAMPION).version == "1"


def _evaluated(champion, candidate, label):
    rows = pd.DataFrame({"customer_id": [f"c{i}" for i in range(len(label))], "churned": label})
    return Evaluated("test", rows, {CHAMPION: champion, "xgboost": candidate}, {})


class Aliases:
    """A registry that notes who was promoted."""

    def __init__(self, champion):
        self.champion, self.promoted = champion, []

    def by_version(self, version):
        return self.champion

    def promote(self, version):
        self.promoted.append(version)


@pytest.mark.parametrize("seed", range(20))
def test_a_worse_model_is_refused_and_a_better_one_promoted(trained, monkeypatch, seed):
    monkeypatch.setattr("mlflow.set_tags", lambda tags: None)
    context = training_context(trained)
    aliases = Aliases(Registry(context.settings).by_alias(CHAMPION))
    draw = np.random.default_rng(seed)
    label = (draw.random(1_500) < 0.2).astype(float)
    champion = label + draw.normal(0, 0.8, len(label))
    worse = draw.permutation(champion)
    better = label + draw.normal(0, 0.4, len(label))
    for version, scores in (("worse", worse), ("the same", champion), ("better", better)):
        evaluated = _evaluated(champion, scores, label)
        promote(context, aliases, evaluated, "xgboost", aliases.champion, version)
    assert aliases.promoted == ["better"]
