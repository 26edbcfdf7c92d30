"""The reason of a bad review, learned from the company's own tickets: naive Bayes in SQL.

A ticket has a text and a category, so tickets show which words go with which reason. Reviews known
by an as_of are classified with the tickets known by the same as_of, never with later ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

from contracts.silver import REASONS
from transforms.reasons import reason_of_category
from transforms.visibility import visible_from, with_each_as_of

# Tickets of other categories, such as questions, form their own class.
NOTHING = "nothing"
CLASSES = (*REASONS, NOTHING)
# A review with more stars is not a complaint.
MOST_STARS = 3
# At or below this probability a text gets no reason.
LEAST_PROBABILITY = 0.5


def review_complaints(
    reviews: DataFrame,
    tickets: DataFrame,
    as_of_dates: Sequence[dt.date],
    *,
    categories: Mapping[str, str],
) -> tuple[DataFrame, list[str]]:
    """One row per (customer_id, as_of) with a classified bad review: bad_reviews_<reason>.

    Also returns the names of these counts.
    """
    bad = reviews.where((F.col("stars") <= MOST_STARS) & F.col("text").isNotNull()).select(
        "customer_id", "text", visible_from("reviewed_at").alias("visible_from")
    )
    seen = with_each_as_of(bad, as_of_dates).select("customer_id", "as_of", "text")
    taught = tickets.where(F.col("text").isNotNull()).select(
        "text",
        F.coalesce(reason_of_category(categories), F.lit(NOTHING)).alias("reason"),
        visible_from("opened_at").alias("visible_from"),
    )
    read = seen.join(text_reasons(seen, taught, as_of_dates), on=["as_of", "text"], how="inner")
    names = {f"bad_reviews_{reason}": reason for reason in REASONS}
    counts = [F.count(F.when(F.col("reason") == r, 1)).alias(n) for n, r in names.items()]
    return read.groupBy("customer_id", "as_of").agg(*counts), list(names)


def text_reasons(seen: DataFrame, taught: DataFrame, as_of_dates: Sequence[dt.date]) -> DataFrame:
    """One row per (as_of, text) of `seen` that has a known word: reason.

    A reason is null where no class has a probability above 0.5. `taught` has text, reason (one of
    CLASSES) and visible_from. The score of a class is ln(n + 1), plus for each distinct word of the
    text that occurs in `taught` ln((n of them with the word + 1) / (n + 2)), where n is the number
    of rows of the class.
    """
    totals = _counted(taught, [], as_of_dates, "all")
    words = _counted(_with_words(taught), ["word"], as_of_dates, "with")
    texts = _with_words(seen.select("as_of", "text").distinct())
    known = texts.join(words, on=["as_of", "word"], how="inner").join(
        totals, on="as_of", how="inner"
    )
    scored = known.groupBy("as_of", "text").agg(
        *[(F.sum(_of_word(c)) + F.max(F.log(F.col(f"all_{c}") + 1.0))).alias(c) for c in CLASSES]
    )
    # The order of addition changes the last digits; rounding to a millionth removes them.
    scored = scored.select("as_of", "text", *[F.round(F.col(c), 6).alias(c) for c in CLASSES])
    odds = [(c, sum((F.exp(F.col(o) - F.col(c)) for o in CLASSES), F.lit(0.0))) for c in CLASSES]
    reason = F.coalesce(*[F.when(1.0 / total > LEAST_PROBABILITY, c) for c, total in odds])
    return scored.select("as_of", "text", reason.alias("reason"))


def _of_word(name: str) -> Column:
    return F.log((F.col(f"with_{name}") + 1.0) / (F.col(f"all_{name}") + 2.0))


def _with_words(rows: DataFrame) -> DataFrame:
    """One row per distinct word of the text, in lower case."""
    plain = F.trim(F.regexp_replace(F.lower("text"), "[^\\p{L}\\p{N}]+", " "))
    return rows.select("*", F.explode(F.array_distinct(F.split(plain, " "))).alias("word"))


def _counted(
    rows: DataFrame, by: Sequence[str], as_of_dates: Sequence[dt.date], name: str
) -> DataFrame:
    """One row per (as_of, *by): `<name>_<class>`, the number of known rows of each class."""
    daily = rows.groupBy(*by, "reason", "visible_from").agg(F.count("*").alias("rows"))
    each = with_each_as_of(daily, as_of_dates)
    return each.groupBy("as_of", *by).agg(
        *[
            F.coalesce(F.sum(F.when(F.col("reason") == c, F.col("rows"))), F.lit(0)).alias(
                f"{name}_{c}"
            )
            for c in CLASSES
        ]
    )
