"""Texts whose sentiment is read, and why a text has a sentiment or none."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

# In alphabetical order, so that the least of a customer's texts says how a sentiment came to be if
# one of them has any.
CLAUDE, LEXICON, UNKNOWN_LANGUAGE, WITHOUT_TEXT = (
    *("claude", "lexicon"),
    *("unknown_language", "without_text"),
)
# At least one character that is no blank.
_HAS_WORDS = r"\S"


def with_sentiment_basis(rows: DataFrame, by_claude: str | None = None) -> DataFrame:
    """Add sentiment_basis, never null, to rows with text and sentiment.

    claude or lexicon: who gave the sentiment. unknown_language, without_text: why there is none.
    by_claude: a column that is not null where Claude gave it. None: nowhere.
    """
    is_by_claude = F.lit(False) if by_claude is None else F.col(by_claude).isNotNull()
    basis = (
        F.when(is_by_claude, CLAUDE)
        .when(F.col("sentiment").isNotNull(), LEXICON)
        .when(F.col("text").rlike(_HAS_WORDS), UNKNOWN_LANGUAGE)
        .otherwise(WITHOUT_TEXT)
    )
    return rows.select("*", basis.alias("sentiment_basis"))


def distinct_texts(rows: DataFrame, most: int) -> DataFrame:
    """At most `most` different texts, one row each, in the order of a hash of the text."""
    texts = rows.where(F.col("text").rlike(_HAS_WORDS)).select("text").distinct()
    hashed = texts.select("text", F.md5("text").alias("hash"))
    return hashed.orderBy("hash", "text").limit(most).select("text")
