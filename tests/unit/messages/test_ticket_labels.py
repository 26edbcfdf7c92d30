"""Ticket labels by Claude with a local server: data sent, labels returned, agreement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.silver import REASONS
from messages import ticket_labels
from messages.gateway import Gateway, make_client
from messages.ticket_labels import agreement, labelled, redacted
from tests.unit.messages.conftest import LIMITS
from tests.unit.messages.fake_claude import FakeClaude, error, message


@pytest.fixture
def answering():
    """A function that starts a server from text -> label, and returns gateway and server."""
    servers = []

    def start(label_of):
        def behave(body, _):
            text = json.loads(body["messages"][0]["content"])["text"]
            label = label_of(text)
            return (
                (200, {}, message(json.dumps({"label": label})), 0)
                if label
                else (400, {}, error("bad"), 0)
            )

        servers.append(FakeClaude(behave))
        return Gateway(make_client("key", servers[-1].url, LIMITS), LIMITS), servers[-1]

    yield start
    for server in servers:
        server.close()


def test_the_reasons_are_those_of_the_contract():
    assert ticket_labels.REASONS == REASONS


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("Write to ada.ng@example.com now", "Write to [email] now"),
        ("see https://shop.example/o/17?c=ada", "see [link]"),
        ("call +49 (30) 1234-567 today", "call [number] today"),
        ("card 4111 1111 1111 1111, please", "card [number], please"),
        ("2 of 3 parts broke", "[number] of [number] parts broke"),
        ("I am Ada Ng. It broke.", "I am [name]. It broke."),
        ("It broke.\nRegards, Ada", "It broke.\nRegards, [name]"),
        ("Ben says Benign is fine", "[name] says Benign is fine"),
        ("Nobody answers", "Nobody answers"),
    ],
)
def test_personal_data_is_redacted(text, sent):
    assert redacted(text, frozenset({"Ben"})) == sent


def test_the_docs_show_what_redaction_leaves_in_a_text():
    """Each row of the table in docs/messages.md: the text, and the text as it is sent."""
    page = Path(__file__).parents[3] / "docs" / "messages.md"
    table = page.read_text().partition("| a text like |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines()[2:]]
    assert len(rows) == 7
    for text, sent in rows:
        assert redacted(text.strip(), frozenset({"Anna"})) == sent.strip()


def test_the_instructions_do_not_claim_that_all_personal_data_is_gone():
    told = " ".join(ticket_labels.INSTRUCTIONS.split())
    assert "other personal data may be left" in told
    assert "personal data was replaced" not in told


def test_labels_are_in_order_and_an_invalid_label_is_none(answering):
    answers = {"it broke": "quality", "hello": "nothing", "odd": "weather", "down": None}
    gateway, _ = answering(answers.get)
    assert labelled(gateway, list(answers)) == ["quality", "nothing", None, None]


def test_only_a_token_and_the_redacted_text_are_sent(answering):
    gateway, server = answering(lambda text: "price")
    labelled(gateway, ["I am Ada Ng, c0000017", "I am Ada Ng, c0000017"])
    sent = [json.loads(body["messages"][0]["content"]) for body in server.requests]
    assert [set(ticket) for ticket in sent] == [{"token", "text"}] * 2
    assert [ticket["text"] for ticket in sent] == ["I am [name], [number]"] * 2
    assert len({ticket["token"] for ticket in sent}) == 2
    assert "Ada" not in "".join(server.raw) and "c0000017" not in "".join(server.raw)


def test_without_a_key_nothing_is_labelled():
    assert labelled(Gateway(None, LIMITS), ["it broke"]) == [None]


def test_agreement_by_hand():
    """3 of 4 agree; chance = (2 * 2 + 1 * 2) / 16 = .375 (price, quality); one label is missing."""
    labels = ["price", "price", "quality", "support", None]
    human = ["price", "price", "quality", "quality", "price"]
    assert agreement(labels, human) == {
        "tickets": 4.0,
        "accuracy": 0.75,
        "kappa": pytest.approx((0.75 - 0.375) / (1 - 0.375)),
    }


def test_agreement_is_zero_without_labels_and_kappa_for_a_single_label():
    assert agreement([None], ["price"]) == {"tickets": 0.0, "accuracy": 0.0, "kappa": 0.0}
    assert agreement(["price"], ["price"])["kappa"] == 0.0
