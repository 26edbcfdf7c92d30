"""Rows of erased customers, which ingest does not bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from contracts.gold_erasure import ERASURE_LIST
from runtime.errors import UsageError
from transforms.erasure import named_values, on_list, with_erased, with_words
from transforms.quality import JSON_OPTIONS
from udfs.keyed_digests import digests_by, key_id

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context


class ErasureFilter:
    """The erasure list, and the key of its digests."""

    def __init__(self, listed: DataFrame, key: bytes) -> None:
        self.listed, self.key = listed, key

    def flagged(self, rows: DataFrame) -> DataFrame:
        """The rows of `with_flags`, kept in memory, with `_is_erased`.

        Digests are computed once per distinct id, e-mail address and contact of the rows.
        """
        is_unreadable = F.col("_malformed").isNotNull() | F.col("_source._rescued").isNotNull()
        text = F.coalesce(F.col("_malformed"), F.to_json("_source", JSON_OPTIONS))
        named = with_words(rows, text, is_unreadable)
        digest = F.pandas_udf(digests_by(self.key), "string")  # type: ignore[call-overload]
        erased = on_list(named_values(named), self.listed, digest(F.col("_value")))
        return with_erased(named, erased)


def erasure_filter(context: Context) -> ErasureFilter | None:
    """The filter of this run. None: nobody was erased, so rows are not compared.

    UsageError: the key is missing, or it is not the key of the list, so that erased customers
    would come back.
    """
    if not context.has(ERASURE_LIST.name):
        return None
    listed = context.read(ERASURE_LIST.name)
    stamps = {row["key_id"] for row in listed.select("key_id").distinct().collect()}  # few keys
    if not stamps:
        return None
    settings = context.settings
    key = settings.personal_data.erasure_key(settings.env)
    if stamps != {key_id(key)}:
        raise UsageError(
            f"{settings.personal_data.erasure_key_variable}: {ERASURE_LIST.name} has digests of "
            "another key, so erased customers would come back. Nothing was written. Set the key "
            "with which they were erased."
        )
    return ErasureFilter(listed, key)
