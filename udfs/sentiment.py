"""The sentiment of a text, -1 to 1: the one formula in Python.

Catalyst has no scoring by a lexicon with negation, intensifiers and punctuation, so VADER (Hutto
and Gilbert 2014, package vaderSentiment) runs in a vectorised pandas UDF. It is for Spark alone;
on DuckDB, and in pandas, `sentiment_of` gives the same numbers.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession  # noqa: TID251 - the caller's, none is made

# VADER lower-cases the whole text again at each word of feeling: 10,000 characters take up to
# 1 s, 100,000 take 50 s. It spells out an emoji in words, so 9,000 of them alone take 27 s. And its
# sum saturates: thirty words like "good" give .998, so that more adds next to nothing.
MAX_CHARACTERS = 10_000
MAX_EMOJIS = 500


def sentiment_of(texts: pd.Series) -> pd.Series:
    """VADER's compound score of each text, -1 to 1, on the index of the texts.

    NaN: the text is null or blank. Zero: it has words, but none that the lexicon knows, as for a
    text in another language than English. A text counts up to its first `MAX_CHARACTERS`, or
    `MAX_EMOJIS`, whichever comes first.

    >>> sentiment_of(pd.Series(["I love it!", "It broke again.", "Ein Stuhl", "  ", None])).tolist()
    [0.6696, -0.4215, 0.0, nan, nan]
    """
    scores = [_compound(text) for text in texts]
    return pd.Series(scores, index=texts.index, dtype="float64")


def sentiment(text: str | Column) -> Column:
    """`sentiment_of` as a Spark column of a text column; null where that is NaN."""
    column: Column = _udf()(text)
    return column


def register(spark: SparkSession) -> None:
    """Make `sentiment(text)` a SQL function of the session."""
    spark.udf.register("sentiment", _udf())


def _udf() -> Any:
    # Imported on use: pandas alone is enough for sentiment_of.
    from pyspark.sql.functions import pandas_udf

    return pandas_udf(sentiment_of, "double")  # type: ignore[call-overload]


def _compound(text: str | None) -> float:
    if not isinstance(text, str) or not text.strip():
        return float("nan")
    analyzer = _analyzer()
    start = text[:MAX_CHARACTERS]
    emojis = [place for place, sign in enumerate(start) if sign in analyzer.emojis]
    if len(emojis) > MAX_EMOJIS:
        start = start[: emojis[MAX_EMOJIS]]
    return float(analyzer.polarity_scores(start)["compound"])


@cache
def _analyzer() -> Any:
    # Imported on use: vaderSentiment is needed where texts are scored, not where udfs is imported.
    # Kept for the life of the process, as it reads its lexicon from disk.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
