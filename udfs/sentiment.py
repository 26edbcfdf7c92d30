"""Sentiment of a text, -1 to 1. This is the only formula in Python.

Spark SQL has no lexicon scoring with negation, intensifiers and punctuation. So VADER (Hutto and
Gilbert 2014, package vaderSentiment) runs in a vectorised pandas UDF, on Spark only. On DuckDB and
in pandas, `sentiment_of` gives the same numbers.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# VADER lower-cases the whole text at each sentiment word: 10,000 characters take up to 1 s, 100,000
# take 50 s. It replaces an emoji by words, so 9,000 emojis take 27 s. The score saturates: thirty
# words like "good" give .998, so more text hardly changes it.
MAX_CHARACTERS = 10_000
MAX_EMOJIS = 500


def sentiment_of(texts: pd.Series) -> pd.Series:
    """VADER compound score of each text, -1 to 1, with the index of `texts`.

    NaN: the text is null or blank. Zero: the lexicon knows none of the words, for example because
    the text is not English. The text is cut after `MAX_CHARACTERS` or `MAX_EMOJIS`, whichever comes
    first.

    >>> sentiment_of(pd.Series(["I love it!", "It broke again.", "Ein Stuhl", "  ", None])).tolist()
    [0.6696, -0.4215, 0.0, nan, nan]
    """
    scores = [_compound(text) for text in texts]
    return pd.Series(scores, index=texts.index, dtype="float64")


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
def _analyzer() -> SentimentIntensityAnalyzer:
    # Cached, because it reads its lexicon from disk.
    return SentimentIntensityAnalyzer()
