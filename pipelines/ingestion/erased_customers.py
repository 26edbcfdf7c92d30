"""Rows of erased customers, which ingest does not bring back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.gold_erasure import ERASURE_LIST
from runtime.errors import UsageError
from transforms.erasure import with_erased_rows
from udfs.keyed_digests import digests_by, key_id

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context


class ErasureFilter:
    """The erasure list, and the key of its digests."""

    def __init__(self, listed: DataFrame, key: bytes) -> None:
        self.listed, self.key = listed, key

    def flagged(self, rows: DataFrame) -> DataFrame:
        """The rows of `with_flags` with `_is_erased`. They are read twice, so keep them."""
        return with_erased_rows(rows, self.listed, digests_by(self.key))


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
