"""Sentiment of an English text, -1 to 1. This is the only formula in Python.

Spark SQL has no lexicon scoring with negation, intensifiers and punctuation, and cannot tell a
language. So this runs in a vectorised pandas UDF, on Spark only. On DuckDB and in pandas,
`sentiment_of` gives the same numbers.

The score is the weighted mean of two lexicons: VADER (Hutto and Gilbert 2014, package
vaderSentiment) and the one of Pattern (De Smedt and Daelemans 2012, package textblob). It agrees
better with people than either alone: benchmarks/sentiment.py. CLD2 (package pycld2) tells the
language.
"""

from __future__ import annotations

from functools import cache

import pandas as pd
import pycld2
from textblob.en import sentiment as pattern_sentiment
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

# Weight of VADER; Pattern has the rest. Measured for .4 to 1 in steps of .1: benchmarks/RESULTS.md.
VADER_WEIGHT = 0.7
# VADER lower-cases the whole text at each sentiment word: 10,000 characters take up to 1 s, 100,000
# take 50 s. It replaces an emoji by words, so 9,000 emojis take 27 s. The score saturates: thirty
# words like "good" give .998, so more text hardly changes it.
MAX_CHARACTERS = 10_000
MAX_EMOJIS = 500
ENGLISH, UNKNOWN = "en", "un"


def sentiment_of(texts: pd.Series) -> pd.Series:
    """Sentiment of each text, -1 to 1, with the index of `texts`.

    NaN: the text is null or blank, or in a language that the lexicons do not know (all but
    English). Zero: the lexicons know none of the words. Rounded to 4 decimals. The text is cut
    after `MAX_CHARACTERS` or `MAX_EMOJIS`, whichever comes first.

    >>> sentiment_of(pd.Series(["I love it!", "It broke again.", "  ", None])).tolist()
    [0.6562, -0.295, nan, nan]
    >>> sentiment_of(pd.Series(["Die Lieferung kam zu spät und der Karton war kaputt."])).tolist()
    [nan]
    """
    scores = [_score(text) for text in texts]
    return pd.Series(scores, index=texts.index, dtype="float64")


def language_of(text: str) -> str:
    """Code of the language of a text, such as en or de; un: it is too short to tell.

    >>> language_of("Warum wurde mir der Betrag zweimal abgebucht?"), language_of("ok")
    ('de', 'un')
    """
    try:
        is_reliable, _, languages = pycld2.detect(text.encode("utf-8", "ignore"))
    except pycld2.error:  # It refuses texts with control characters.
        return UNKNOWN
    return str(languages[0][1]) if is_reliable else UNKNOWN


def _score(text: str | None) -> float:
    if not isinstance(text, str) or not text.strip():
        return float("nan")
    start = _start(text)
    # English is assumed where a text is too short: "Login fails" is as good as none to a detector.
    if language_of(start) not in (ENGLISH, UNKNOWN):
        return float("nan")
    vader = _analyzer().polarity_scores(start)["compound"]
    score = VADER_WEIGHT * vader + (1 - VADER_WEIGHT) * pattern_sentiment(start)[0]
    return round(float(score), 4)  # Features sum ten-thousandths.


def _start(text: str) -> str:
    start, analyzer = text[:MAX_CHARACTERS], _analyzer()
    emojis = [place for place, sign in enumerate(start) if sign in analyzer.emojis]
    return start[: emojis[MAX_EMOJIS]] if len(emojis) > MAX_EMOJIS else start


@cache
def _analyzer() -> SentimentIntensityAnalyzer:
    # Cached, because it reads its lexicon from disk.
    return SentimentIntensityAnalyzer()
