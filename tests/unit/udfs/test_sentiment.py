"""Sentiment compared with human ratings, and edge cases."""

from __future__ import annotations

import csv
import gzip
import math
from pathlib import Path

import pandas as pd
import pytest

from udfs.sentiment import MAX_CHARACTERS, MAX_EMOJIS, language_of, sentiment_of
from udfs.sql_functions import sentiment

RATED = Path(__file__).parents[4] / "shared" / "data" / "vader_icwsm2014"


def test_words_and_their_context_change_the_score():
    texts = ["good", "it is GOOD", "not good", "very good", "good, but broken"]
    plain, loud, negated, stronger, taken_back = sentiment_of(pd.Series(texts))
    assert negated < 0 < plain < stronger
    assert loud > plain > taken_back


def test_a_score_is_the_weighted_mean_of_both_lexicons():
    """VADER: "love" is 3.2 of a scale whose 15 is squashed to -1 to 1, "!" adds .292. Pattern: "love"
    is .5, and "!" makes it a quarter stronger."""
    vader = (3.2 + 0.292) / math.sqrt((3.2 + 0.292) ** 2 + 15)
    (score,) = sentiment_of(pd.Series(["I love it!"]))
    assert score == pytest.approx(0.7 * vader + 0.3 * (0.5 * 1.25), abs=1e-4)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The order came two weeks late and nobody answered.", "en"),
        ("Die Bestellung kam zwei Wochen zu spät, niemand hat geantwortet.", "de"),
        ("Personne ne répond à mes messages.", "fr"),
        ("ok", "un"),
        ("12345", "un"),
        ("\x00\x01", "un"),
        ("half a pair \ud83d of a sign in a text that is long enough", "en"),
    ],
)
def test_the_language_of_a_text(text, language):
    assert language_of(text) == language


def test_a_text_in_another_language_has_no_score_and_a_short_one_counts_as_english():
    texts = ["Niemand hat mir geantwortet, das ist sehr schade.", "terrible", "Login fails"]
    german, short, neutral = sentiment_of(pd.Series(texts))
    assert math.isnan(german) and short < 0
    # "fails" is -1.8 in VADER and -.5 in Pattern.
    vader = -1.8 / math.sqrt(1.8**2 + 15)
    assert neutral == pytest.approx(0.7 * vader + 0.3 * -0.5, abs=1e-4)


def test_a_blank_text_has_no_score_and_unknown_words_score_zero():
    texts = pd.Series([None, "", " \n\t", float("nan"), pd.NA, "Table 42"], dtype=object)
    scores = sentiment_of(texts)
    assert scores.isna().tolist() == [True, True, True, True, True, False]
    assert scores.iloc[5] == 0.0


def test_the_index_is_kept_and_an_empty_series_stays_one():
    assert sentiment_of(pd.Series(["good", None], index=[7, 3])).index.tolist() == [7, 3]
    empty = sentiment_of(pd.Series([], dtype=object))
    assert (len(empty), str(empty.dtype)) == (0, "float64")


def test_only_the_first_characters_count():
    start = "good " * (MAX_CHARACTERS // 5)
    assert len(start) == MAX_CHARACTERS
    both = sentiment_of(pd.Series([start, start + "terrible " * 50_000]))
    assert both[0] == both[1] > 0.9


def test_only_the_first_emojis_count():
    # VADER would need half a minute for 9,000 emojis.
    start = "I love it " + "😀" * MAX_EMOJIS
    both = sentiment_of(pd.Series([start, start + "😡" * 9000, start + "😡 terrible"]))
    assert both[0] == both[1] == both[2] > 0.8


def test_scores_stay_within_one():
    odd = ["good " * 3000, "terrible!!! " * 3000, "\x00", "😀" * 9000, "but " * 2000]
    assert sentiment_of(pd.Series(odd)).between(-1, 1).all()


@pytest.mark.parametrize(
    "name, texts, measured",
    [("tweets", 4200, 0.881), ("amazonReviewSnippets", 3708, 0.623)],
)
def test_agreement_with_human_ratings(name, texts, measured):
    """Pearson correlation with the mean human rating. VADER alone has .872 and .590, as published."""
    path = RATED / f"{name}_GroundTruth.txt.gz"
    if not path.exists():
        pytest.skip(f"needs the rated texts of the VADER paper: {RATED.parent.name}/{RATED.name}")
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    assert len(rows) == texts
    scores = sentiment_of(pd.Series([text for *_, text in rows]))
    rated = pd.Series([float(mean) for _, mean, *_ in rows])
    assert scores.notna().mean() > 0.99
    assert scores.corr(rated) == pytest.approx(measured, abs=0.002)


@pytest.mark.spark_only
def test_the_column_gives_the_same_values_and_null_for_no_text(session):
    texts = ["I love it!", "It broke again.", "", None, "Table", "Alles kam viel zu spät an."] * 5
    frame = session.createDataFrame(list(enumerate(texts)), "n int, text string").repartition(3)
    rows = frame.select("n", sentiment("text").alias("score")).orderBy("n").collect()
    expected = [None if math.isnan(v) else v for v in sentiment_of(pd.Series(texts, dtype=object))]
    assert [row["score"] for row in rows] == expected
