"""Names of the header in the expressions and lookups of a source."""

from __future__ import annotations

from pipelines.ingestion.column_names import with_bronze_names
from runtime.settings.sources import SourceSettings

COLUMNS = ["Bestell-Nr_", "Kunden_Nr_", "Status"]
SOURCE = SourceSettings(
    table="transactions",
    format="csv",
    path="orders.csv",
    where="`Kunden Nr.` <> 'K0'",
    mapping={"order_id": "Bestell-Nr.", "customer_id": "upper(`Kunden Nr.`)", "amount": "1"},
    lookups={"people": {"format": "csv", "path": "people.csv", "join_on": ["Kunden Nr."]}},
)


def test_a_source_names_its_columns_as_bronze_does():
    named = with_bronze_names(SOURCE, COLUMNS)
    assert named.where == "`Kunden_Nr_` <> 'K0'"
    assert named.mapping == {
        "order_id": "`Bestell-Nr_`",
        "customer_id": "upper(`Kunden_Nr_`)",
        "amount": "1",
    }
    assert named.lookups["people"].join_on == ["Kunden_Nr_"]
    # Ingest does it twice: before and after the lookups are joined.
    assert with_bronze_names(named, COLUMNS) == named
