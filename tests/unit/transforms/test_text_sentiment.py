"""Why a text has a sentiment or none, and which texts Claude reads."""

from __future__ import annotations

from transforms.text_sentiment import distinct_texts, with_sentiment_basis

DDL = "text string, sentiment double, read double"


def test_each_row_says_how_its_sentiment_came_to_be(session):
    rows = [
        ("It broke.", -0.3, None, "lexicon"),
        ("Alles kam zu spät.", -0.5, -0.5, "claude"),
        ("Alles kam zu spät!", None, None, "unknown_language"),
        (" \n\t", None, None, "without_text"),
        ("", None, None, "without_text"),
        (None, None, None, "without_text"),
    ]
    frame = session.createDataFrame([row[:3] for row in rows], DDL)
    made = with_sentiment_basis(frame, "read").collect()
    assert [(r["text"], r["sentiment_basis"]) for r in made] == [(r[0], r[3]) for r in rows]


def test_texts_are_chosen_once_each_and_without_blank_ones(session):
    texts = ["a", "a", "b", " ", None, "c"]
    frame = session.createDataFrame([(t,) for t in texts], "text string")
    chosen = [r["text"] for r in distinct_texts(frame, 2).collect()]
    # MD5: b is 92eb..., a is 0cc1..., c is 4a8a...
    assert chosen == ["a", "c"]
