"""Views with pseudonyms in place of ids: no id, no personal data, nothing that a dictionary opens."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from contracts import catalog
from contracts.pseudonyms import HASHES_OF_IDS, is_pseudonymised, shown_columns
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from runtime.lakehouse.pseudonymous_views import name_of
from udfs.keyed_digests import digests_by, key_id, keyed_digest

ROOT = Path(__file__).resolve().parents[4]
KEY, OTHER = b"k" * 32, b"o" * 32
IDS = [f"c{n:05d}" for n in range(2_000)]
TABLES = [t for t in catalog.tables().values() if is_pseudonymised(t)]


def test_a_digest_is_hmac_sha_256():
    # RFC 4231, test case 2.
    assert keyed_digest("what do ya want for nothing?", b"Jefe") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert digests_by(KEY)(pd.Series(["c1", None])).tolist() == [keyed_digest("c1", KEY), None]
    assert key_id(KEY) != key_id(OTHER) and len(key_id(KEY)) == 16


def test_a_dictionary_of_all_ids_matches_no_pseudonym_without_the_key():
    names = {keyed_digest(i, KEY)[:32] for i in IDS}
    assert len(names) == len(IDS)
    plain = {
        hashlib.new(kind, i.encode()).hexdigest()[:32]
        for kind in ("md5", "sha256", "sha1")
        for i in IDS
    }
    for guess in (b"", b"holdfast", OTHER, key_id(KEY).encode()):
        plain |= {hmac.new(guess, i.encode(), hashlib.sha256).hexdigest()[:32] for i in IDS}
    assert names & (plain | set(IDS)) == set()
    assert {keyed_digest(i, KEY)[:32] for i in IDS} == names  # the same id, the same pseudonym


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_each_view_hides_ids_and_personal_columns(table):
    connection = duckdb.connect()
    schema = nullable(arrow_schema(table))
    at = schema.get_field_index("customer_id")
    text = {f.name: "id-of-c1" for f in schema if pa.types.is_string(f.type)}
    rows = pa.Table.from_pylist([text, text], schema=schema).set_column(
        at, "customer_id", pa.array(["c1", "new"])
    )
    connection.register(table.name.replace(".", "_"), rows)
    names = [{"customer_id": "c1", "customer_pseudonym": "p1", "key_id": "k"}]
    connection.register("silver_pseudonyms", pa.Table.from_pylist(names))
    name = name_of(table).replace(".", "_")
    statements = (ROOT / "docs" / "pseudonymous_views.sql").read_text().split(";")
    (own,) = [s for s in statements if f"VIEW {name} AS" in s]
    connection.execute(own)

    view = connection.execute(f"SELECT * FROM {name} ORDER BY customer_pseudonym NULLS LAST")
    columns = [column[0] for column in view.description]
    assert columns == ["customer_pseudonym", *shown_columns(table)]
    assert {"customer_id", *HASHES_OF_IDS, *table.personal_columns} & set(columns) == set()
    assert [row[0] for row in view.fetchall()] == ["p1", None]


def test_there_are_views_of_the_scores_and_the_messages():
    names = {t.name for t in TABLES}
    assert {"gold.customer_scores", "gold.messages", "gold.inference_log"} <= names
    messages = catalog.tables()["gold.messages"]
    assert "text" not in shown_columns(messages) and "text_id" in shown_columns(messages)
    assert "decision_id" not in shown_columns(catalog.tables()["gold.decision_ledger"])
