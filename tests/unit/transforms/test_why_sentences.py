"""Templates of sentences: names become values of the row."""

from __future__ import annotations

from pyspark.sql import functions as F

from transforms import why_sentences as why


def test_names_in_braces_become_values(frame, tuples_of):
    rows = frame("offer string, gain double", [("ten", 2.5), ("ten", None), (None, 1.0)])
    sentence = why.filled(
        "{offer}: {gain} in {days} days.",
        **{
            "offer": F.col("offer"),
            "gain": why.fixed(F.col("gain")),
            "days": "30",
        },
    )
    assert tuples_of(rows.select(F.coalesce(sentence, F.lit("null")).alias("why"))) == [
        ("null",),
        ("ten: 2.50 in 30 days.",),
        ("ten: unknown in 30 days.",),
    ]


def test_a_template_without_names_is_the_sentence(frame, tuples_of):
    rows = frame("n int", [(1,)])
    assert tuples_of(rows.select(why.filled(why.RANDOM).alias("why"))) == [(why.RANDOM,)]


def test_numbers_are_rounded_and_null_is_unknown(frame, tuples_of):
    rows = frame("n double", [(None,), (1234.567,)])
    texts = rows.select(why.fixed(F.col("n"), 1).alias("a"), why.whole(F.col("n")).alias("b"))
    assert tuples_of(texts) == [("1234.6", "1235"), ("unknown", "unknown")]
