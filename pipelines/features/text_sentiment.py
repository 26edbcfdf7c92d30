"""The sentiment of tickets and reviews: by lexicons, or by Claude if conf says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from messages.text_sentiment import scored_texts
from pipelines.churn.ticket_reasons import first_names, gateway_of
from runtime.context import Context
from runtime.wording import plural
from transforms.text_sentiment import distinct_texts, with_sentiment_basis
from udfs.sentiment import sentiment_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WITH_TEXT = ("silver.support_tickets", "silver.reviews")


def with_sentiment(context: Context, silver: Mapping[str, DataFrame]) -> dict[str, DataFrame]:
    """The same tables; those with texts also have sentiment and sentiment_basis."""
    texts = {name: silver[name] for name in WITH_TEXT if name in silver}
    read = read_by_claude(context, texts)
    return {**silver, **{name: scored(context, rows, read) for name, rows in texts.items()}}


def scored(context: Context, rows: DataFrame, read: Mapping[str, float]) -> DataFrame:
    """The rows with sentiment and sentiment_basis. `read`: sentiment of texts that Claude read."""
    lake = context.lake
    if not read:
        rows = lake.with_computed(rows, "sentiment", "text", function=sentiment_of)
        return with_sentiment_basis(rows)
    rows = lake.with_computed(rows, "sentiment", "text", function=sentiment_with(read))
    rows = lake.with_computed(rows, "_by_claude", "text", function=read_sentiment(read))
    return with_sentiment_basis(rows, "_by_claude").drop("_by_claude")


def read_by_claude(context: Context, texts: Mapping[str, DataFrame]) -> dict[str, float]:
    """The sentiment of at most `most_texts` texts of each table. Turned off: empty.

    The texts are chosen by a hash, so each run reads the same ones while the data stay.
    """
    reading = context.settings.features.sentiment_by_claude
    if not reading.is_on or not texts:
        return {}
    # At most most_texts texts per table are on the driver.
    wanted = [
        row["text"]
        for rows in texts.values()
        for row in distinct_texts(rows, reading.most_texts).collect()
    ]
    unique = list(dict.fromkeys(wanted))
    gateway, names = gateway_of(context), first_names(context)
    read = scored_texts(gateway, unique, names, texts_a_call=reading.texts_a_call)
    context.progress.say(
        f"      Claude read the sentiment of {len(read):,} of {plural(len(unique), 'text')} for "
        f"{gateway.budget.spent_usd:.4f} USD; the lexicons read the others"
    )
    return read


def read_sentiment(read: Mapping[str, float]) -> Callable[[pd.Series], pd.Series]:
    """A function of texts: the sentiment that Claude read; NaN: it did not read the text."""
    known = dict(read)

    def of_texts(texts: pd.Series) -> pd.Series:
        return texts.map(known).astype("float64")

    return of_texts


def sentiment_with(read: Mapping[str, float]) -> Callable[[pd.Series], pd.Series]:
    """A function of texts: the sentiment that Claude read, else that of the lexicons."""
    of_claude = read_sentiment(read)

    def of_texts(texts: pd.Series) -> pd.Series:
        scores = of_claude(texts)
        return scores.fillna(sentiment_of(texts[scores.isna()]))

    return of_texts
