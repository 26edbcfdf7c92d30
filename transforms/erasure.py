"""Rows of erased customers: found in tables, and left out by ingest.

`marks` has one row per value that names a customer: `_mark` (the value), `_kind` (id, contact or
email) and `_person` (the customer id).
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F

# What separates the words of a row that no mapping can read.
_BETWEEN_WORDS = r"[\s,;|\"'{}:<>()\\\[\]]+"
_END_OF_SENTENCE = r"[.!?]+(\s|$)"
ID, CONTACT, EMAIL = "id", "contact", "email"
# Length of a contact id, with which a survey token begins.
CONTACT_LENGTH = 32


def rows_by_id(rows: DataFrame, marks: DataFrame, on: Sequence[str]) -> DataFrame:
    """One row per row of a table that has the id of a marked customer: `_person`, and `on`."""
    ids = marks.where(F.col("_kind") == ID).select("_mark", "_person")
    joined = rows.join(ids, on=F.col("customer_id") == F.col("_mark"), how="inner")
    return joined.select("_person", *_quoted(on))


def rows_by_mapping(
    rows: DataFrame,
    marks: DataFrame,
    on: Sequence[str],
    *,
    customer: Column,
    token: Column,
    text: Column,
    is_unreadable: Column,
) -> DataFrame:
    """One row per row of a source that belongs to a marked customer: `_person`, and `on`.

    A row belongs to the customer whom the mapping names, or whose contact the survey token names.
    A row in which the mapping finds neither belongs to each customer of whom `words_of` finds a
    mark.
    """
    given = rows.select(
        *_quoted(on),
        F.nullif(customer.cast("string"), F.lit("")).alias("_customer"),
        F.nullif(F.substring(token.cast("string"), 1, CONTACT_LENGTH), F.lit("")).alias("_contact"),
        words_of(text, is_unreadable).alias("_words"),
    )
    ids, contacts = (
        marks.where(F.col("_kind") == kind).select("_mark", "_person") for kind in (ID, CONTACT)
    )
    wanted = [F.col("_person"), *_quoted(on)]
    # A join per kind: a condition with OR would compare all rows with all marks.
    by_id = given.join(ids, on=F.col("_customer") == F.col("_mark"), how="inner")
    by_token = given.join(contacts, on=F.col("_contact") == F.col("_mark"), how="inner").select(
        *wanted, "_customer"
    )
    is_new = F.coalesce(F.col("_customer") != F.col("_person"), F.lit(True))
    nameless = given.where(F.col("_customer").isNull() & F.col("_contact").isNull())
    words = nameless.select(*_quoted(on), F.explode("_words").alias("_word"))
    named = marks.select("_mark", "_person")
    by_word = words.join(named, on=F.col("_word") == F.col("_mark"), how="inner")
    return (
        by_id.select(*wanted)
        .unionByName(by_token.where(is_new).select(*wanted))
        .unionByName(by_word.select(*wanted).distinct())
    )


def words_of(text: Column, is_unreadable: Column) -> Column:
    """The words of a row that names no customer, which are compared with marks.

    All words of a row that could not be read, such as a malformed one. Of any other row only e-mail
    addresses, because an id such as 17 may be any number.
    """
    plain = F.regexp_replace(text.cast("string"), _END_OF_SENTENCE, " ")
    return F.filter(F.split(plain, _BETWEEN_WORDS), lambda word: is_unreadable | word.contains("@"))


def emails_of(customers: DataFrame, ids: DataFrame) -> DataFrame:
    """The marks that are e-mail addresses of the customers. ids: the marks that are ids."""
    return _marks(customers.where("email IS NOT NULL"), ids, "email", EMAIL)


def contacts_of(outbox: DataFrame, ids: DataFrame) -> DataFrame:
    """The marks that are contacts of the customers."""
    return _marks(outbox, ids, "contact_id", CONTACT)


def _marks(rows: DataFrame, ids: DataFrame, column: str, kind: str) -> DataFrame:
    people = ids.select("_person")
    joined = rows.join(people, on=F.col("customer_id") == F.col("_person"), how="inner")
    return joined.select(
        F.col(column).alias("_mark"), F.lit(kind).alias("_kind"), "_person"
    ).distinct()


def with_erased(rows: DataFrame, erased: DataFrame) -> DataFrame:
    """Add `_is_erased`: whether a row of `with_words` names an erased customer.

    `erased` has the column `_value`: the values of `named_values` that are on the erasure list.
    """
    values = erased.select(F.col("_value").alias("_erased_id"))
    # One row. At most the values of one run's files that are on the list.
    everything = erased.agg(F.collect_set("_value").alias("_erased_values"))
    joined = rows.join(values, on=F.col("customer_id") == F.col("_erased_id"), how="left")
    joined = joined.crossJoin(everything)
    is_erased = (
        F.col("_erased_id").isNotNull()
        | F.coalesce(F.array_contains("_erased_values", F.col("_contact")), F.lit(False))
        | F.coalesce(F.arrays_overlap("_erased_values", F.col("_words")), F.lit(False))
    )
    added = ("_erased_id", "_erased_values", "_contact", "_words")
    return joined.withColumn("_is_erased", is_erased).drop(*added)


def with_words(rows: DataFrame, text: Column, is_unreadable: Column) -> DataFrame:
    """Add `_contact`, the contact of a survey token, and `_words`, the `words_of` a row that names
    neither a customer nor a contact. Both are null elsewhere."""
    token = F.col("token") if "token" in rows.columns else F.lit(None).cast("string")
    contact = F.nullif(F.substring(token, 1, CONTACT_LENGTH), F.lit(""))
    is_nameless = F.nullif("customer_id", F.lit("")).isNull() & contact.isNull()
    words = F.when(is_nameless, words_of(text, is_unreadable))
    return rows.withColumns({"_contact": contact, "_words": words})


def named_values(rows: DataFrame) -> DataFrame:
    """One row per distinct value of `with_words` that may name a customer: `_value`."""
    values = [
        rows.select(F.col("customer_id").alias("_value")),
        rows.select(F.col("_contact").alias("_value")),
        rows.where(F.col("_words").isNotNull()).select(F.explode("_words").alias("_value")),
    ]
    return (
        values[0]
        .unionByName(values[1])
        .unionByName(values[2])
        .where("_value IS NOT NULL AND _value <> ''")
        .distinct()
    )


def on_list(values: DataFrame, listed: DataFrame, digest: Column) -> DataFrame:
    """The values whose digest is in `listed`. digest: the digest of `_value`."""
    digests = values.select("_value", digest.alias("_digest"))
    known = listed.select(F.col("digest").alias("_listed")).distinct()
    return digests.join(known, on=F.col("_digest") == F.col("_listed"), how="left_semi").select(
        "_value"
    )


def _quoted(names: Sequence[str]) -> list[Column]:
    return [F.col(f"`{name}`") for name in names]
