"""Tickets whose reason is read from their text."""

from __future__ import annotations

import pytest

from transforms.read_tickets import ticket_sample, ticket_texts, with_read_categories

TICKET = "ticket_id string, category string, text string"
TICKETS = [("a", "billing", "Too dear."), ("b", "other", "It broke."), ("c", "billing", None)]


def test_tickets_without_a_text_are_dropped_and_others_have_the_reason_of_their_category(
    frame, rows_of
):
    texts = ticket_texts(frame(TICKET, TICKETS), {"billing": "price"})
    assert rows_of(texts) == [
        {"ticket_id": "a", "text": "Too dear.", "reason": "price"},
        {"ticket_id": "b", "text": "It broke.", "reason": None},
    ]


def test_a_read_label_replaces_the_category_of_its_ticket_only(frame, rows_of):
    labels = frame("ticket_id string, label string", [("b", "quality")])
    rows = rows_of(with_read_categories(frame(TICKET, TICKETS), labels))
    assert {r["ticket_id"]: r["category"] for r in rows} == {
        "a": "billing",
        "b": "quality",
        "c": "billing",
    }


@pytest.mark.spark_only
def test_a_sample_does_not_depend_on_the_order_of_rows(frame, rows_of):
    texts = [(f"t{n}", None, "x") for n in range(40)]
    sample = rows_of(ticket_sample(frame(TICKET, texts), 5))
    assert len(sample) == 5
    assert rows_of(ticket_sample(frame(TICKET, texts[::-1]), 5)) == sample
