"""Tickets and reviews get a sentiment from the lexicons, and from Claude if conf says so."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from pipelines.features.text_sentiment import read_sentiment, sentiment_with, with_sentiment
from runtime.context import Context
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.unit.messages.fake_claude import FakeClaude, message

pytestmark = pytest.mark.duckdb_only
TEXTS = ["I love it!", "Alles kam viel zu spät an.", None]


def test_what_claude_read_replaces_the_lexicons():
    texts = pd.Series(["I love it!", "Alles kam zu spät.", None], index=[5, 6, 7])
    read = {"Alles kam zu spät.": -0.6}
    assert sentiment_with(read)(texts).tolist()[:2] == [0.6562, -0.6]
    assert sentiment_with(read)(texts).index.tolist() == [5, 6, 7]
    assert read_sentiment(read)(texts).isna().tolist() == [True, False, True]


@pytest.fixture
def context(tmp_path):
    def make(**reading):
        values = load("demo").model_dump()
        values["lakehouse"]["root"] = str(tmp_path / "lake")
        values["features"]["sentiment_by_claude"] |= reading
        values["messages"]["base_url"] = reading.pop("base_url", None)
        values["features"]["sentiment_by_claude"].pop("base_url", None)
        settings = type(load("demo"))(**values)
        return Context(settings, RunInfo("test"), Progress(is_quiet=True), engine="duckdb")

    return make


def scored(context, texts):
    frame = context.lake.session.createDataFrame([(t,) for t in texts], "text string")
    silver = with_sentiment(context, {"silver.support_tickets": frame, "silver.other": frame})
    assert silver["silver.other"] is frame
    rows = silver["silver.support_tickets"].collect()
    return {r["text"]: (r["sentiment"], r["sentiment_basis"]) for r in rows}


def test_by_default_nothing_is_sent_and_another_language_has_no_sentiment(context, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    assert scored(context(), TEXTS) == {
        "I love it!": (0.6562, "lexicon"),
        "Alles kam viel zu spät an.": (None, "unknown_language"),
        None: (None, "without_text"),
    }


def test_claude_reads_every_language(context, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    server = FakeClaude(
        lambda body, _: (
            *(200, {}),
            message(
                json.dumps(
                    {
                        "scores": [
                            {"number": t["number"], "score": -0.75}
                            for t in json.loads(body["messages"][0]["content"])["texts"]
                            if t["text"].startswith("Alles")
                        ]
                    }
                )
            ),
            0,
        )
    )
    try:
        made = scored(context(is_on=True, base_url=server.url), TEXTS)
    finally:
        server.close()
    assert made == {
        "I love it!": (0.6562, "lexicon"),
        "Alles kam viel zu spät an.": (-0.75, "claude"),
        None: (None, "without_text"),
    }
    assert len(server.of("sentiment")) == 1
