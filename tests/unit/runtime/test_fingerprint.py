"""What a run shares with a finished one that is told as `unchanged`."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.churn import churn_run as churn
from pipelines.lifetime import lifetime_run as lifetime
from runtime import fingerprint
from runtime.settings import load

# Delta's id and the version of each table; there are no exit surveys.
TABLES = {
    "features.labels": ("id of the labels", 3),
    "silver.support_tickets": ("id of the tickets", 5),
}
MARKS = {
    "churn": lambda context: churn.fingerprint(context, {}),
    "lifetime": lifetime.fingerprint,
}


@pytest.fixture(params=MARKS)
def mark(request, monkeypatch):
    """A function: (tables, env, settings) -> the mark of such a run."""

    def of(tables=TABLES, env="demo", **changes):
        monkeypatch.setattr(fingerprint, "table_id", lambda context, name: tables[name][0])
        versions = {name: version for name, (_, version) in tables.items()}
        context = SimpleNamespace(
            settings=load("demo", **changes).model_copy(update={"env": env}),
            run=SimpleNamespace(inputs=versions),
            lake=SimpleNamespace(content_version=versions.get),
            as_of=dt.date(2018, 1, 1),
        )
        return MARKS[request.param](context)

    of.model_name = {
        "churn": {"mlflow": {"model_name": "another"}},
        "lifetime": {"lifetime": {"registered_model": "another"}},
    }[request.param]
    return of


def test_the_same_run_has_the_same_mark(mark):
    assert mark() == mark(dict(TABLES))


def test_another_version_or_a_recreated_table_gives_another_mark(mark):
    newer = {**TABLES, "features.labels": ("id of the labels", 4)}
    recreated = {**TABLES, "features.labels": ("another id", 3)}
    assert len({mark(), mark(newer), mark(recreated)}) == 3


def test_another_environment_of_one_tracking_store_has_another(mark):
    assert mark(env="simulated") != mark()


def test_another_registered_model_has_another(mark):
    assert mark(**mark.model_name) != mark()
