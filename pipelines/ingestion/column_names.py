"""The columns of a source as conf names them: as in the file's header, or as in bronze."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from contracts.bronze import stored_name
from contracts.expressions import with_stored_names

if TYPE_CHECKING:
    from runtime.settings.sources import SourceSettings


def with_bronze_names(source: SourceSettings, columns: Collection[str]) -> SourceSettings:
    """The source with expressions and lookups that name its columns as bronze does.

    `columns`: the names in bronze. A second call changes nothing.
    """
    lookups = {
        title: lookup.model_copy(update={"join_on": [stored_name(c) for c in lookup.join_on]})
        for title, lookup in source.lookups.items()
    }
    where = source.where and with_stored_names(source.where, columns)
    mapping = {c: with_stored_names(text, columns) for c, text in source.mapping.items()}
    return source.model_copy(update={"mapping": mapping, "where": where, "lookups": lookups})
