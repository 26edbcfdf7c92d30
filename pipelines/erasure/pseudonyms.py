"""Give each customer of gold a pseudonym, under which analysts see them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from contracts.pseudonyms import PSEUDONYMS, is_pseudonymised
from runtime.lakehouse.writes import Write
from transforms.pseudonyms import changed, distinct_ids, with_pseudonyms
from udfs.keyed_digests import digests_by, key_id

if TYPE_CHECKING:
    from runtime.context import Context


def run(context: Context) -> None:
    """Write the pseudonyms of new customers; with another key those of all customers."""
    settings = context.settings
    key = settings.personal_data.pseudonym_key(settings.env)
    tables = [t.name for t in context.tables.values() if is_pseudonymised(t)]
    present = context.read(PSEUDONYMS.name)
    sources = [context.read(name) for name in tables if context.lake.exists(name)]
    ids = reduce(
        lambda above, below: above.unionByName(below), map(distinct_ids, [present, *sources])
    )
    rows = with_pseudonyms(ids.distinct(), digests_by(key), key_id(key))
    context.write([Write(PSEUDONYMS, changed(rows, present), mode="merge")])
