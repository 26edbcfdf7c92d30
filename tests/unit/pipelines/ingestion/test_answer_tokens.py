"""The key that verifies the tokens of survey answers."""

from __future__ import annotations

import pytest

from pipelines.ingestion.answer_tokens import has_tokens, key_of
from runtime import settings
from runtime.errors import UsageError
from runtime.settings.sources import SourceSettings

SETTINGS = settings.load("demo")


def test_without_the_key_no_token_is_accepted(monkeypatch):
    monkeypatch.delenv("HOLDFAST_SURVEY_KEY", raising=False)
    with pytest.raises(UsageError) as refused:
        key_of(SETTINGS, "answers")
    assert str(refused.value) == (
        "sources.answers: maps token, but the environment variable HOLDFAST_SURVEY_KEY with the "
        "key is not set, so no token can be verified. Set it, or map customer_id instead."
    )


def test_only_answers_that_map_a_token_need_the_key():
    def source(table, **mapping):
        return SourceSettings(table=table, format="csv", path="x", mapping=mapping)

    assert has_tokens(source("survey_answers", token="t", score="s"))
    assert not has_tokens(source("survey_answers", customer_id="c", score="s"))
    assert not has_tokens(source("reviews", token="t"))
