"""Sentiment by Claude with a local server: what is sent, and which answers count."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from messages.gateway import Gateway, make_client
from messages.text_sentiment import scored_texts
from tests.unit.messages.conftest import LIMITS
from tests.unit.messages.fake_claude import FakeClaude, error, message


@pytest.fixture
def answering():
    """A function that starts a server from texts -> scores, and returns gateway and server."""
    servers = []

    def start(scores_of, limits=LIMITS):
        def behave(body, _):
            texts = json.loads(body["messages"][0]["content"])["texts"]
            scores = scores_of(texts)
            if scores is None:
                return 400, {}, error("bad"), 0
            return 200, {}, message(json.dumps({"scores": scores})), 0

        servers.append(FakeClaude(behave))
        return Gateway(make_client("key", servers[-1].url, limits), limits), servers[-1]

    yield start
    for server in servers:
        server.close()


def scored(texts):
    return [{"number": t["number"], "score": len(t["text"]) / 10} for t in texts]


def test_texts_are_sent_together_and_redacted(answering):
    gateway, server = answering(scored)
    texts = ["gut", "Ada Ng, ada@mail.example", "nein", "ja", "Dear Bob"]
    scores = scored_texts(gateway, texts, frozenset({"Ada"}), texts_a_call=2)
    sent = sorted(
        json.loads(b["messages"][0]["content"])["texts"][0]["text"] for b in server.of("sentiment")
    )
    assert len(server.requests) == 3
    assert sent == ["Dear [name]", "gut", "nein"]
    assert "ada@mail.example" not in "".join(server.raw) and "Ada" not in "".join(server.raw)
    # The second text is longer than ten characters, so its score is above 1 and does not count.
    assert scores == {"gut": 0.3, "nein": 0.4, "ja": 0.2}


def test_an_answer_that_is_no_score_counts_for_nothing(answering):
    wrong = [
        *({"number": 0, "score": 0.1}, {"number": 3, "score": 0.1}, {"number": 1, "score": 1.01}),
        *({"number": "1", "score": 0.1}, {"number": 2, "score": True}, "x", None),
    ]
    gateway, _ = answering(lambda texts: [*wrong, {"number": 2, "score": -1}])
    assert scored_texts(gateway, ["a", "b"], texts_a_call=20) == {"b": -1.0}


def test_a_refused_call_leaves_its_texts_out(answering):
    gateway, _ = answering(lambda texts: None if texts[0]["text"] == "bad" else scored(texts))
    assert scored_texts(gateway, ["bad", "fine"], texts_a_call=1) == {"fine": 0.4}


def test_without_a_key_nothing_is_sent():
    assert scored_texts(Gateway(None, LIMITS), ["a"], texts_a_call=1) == {}


def test_the_spend_cap_ends_the_calls(answering):
    gateway, server = answering(scored, replace(LIMITS, spend_cap_usd=0.0))
    assert scored_texts(gateway, ["a", "b"], texts_a_call=1) == {}
    assert server.requests == []
