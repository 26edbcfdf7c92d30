"""Every table contract is documented, and its names follow the naming rules."""

from __future__ import annotations

import re

import pytest

from contracts import catalog
from contracts.bronze import source_table
from contracts.rules import LONGEST_TEXT

TABLES = {
    **catalog.tables(),
    "bronze.source": source_table("source", {"some": "string"}),
}
TYPES = re.compile(r"string|bigint|int|double|boolean|date|timestamp|decimal\(\d+,\d+\)")
# Timestamp and date columns with an established name.
TIMES = {"valid_from", "valid_to"}
DAYS = {"as_of", "previous_as_of", "cut", "next_purchase_low", "next_purchase_high", "day"}
TRUTHS = {"high_risk_churn", "converged", "approved"}


@pytest.fixture(params=TABLES.values(), ids=TABLES)
def table(request):
    return request.param


def test_the_row_sentence_states_the_grain(table):
    assert re.fullmatch(r"One row per [^\n]*\.", table.row), table.row
    assert table.short_name == table.short_name.lower()


def test_every_column_has_a_comment_and_a_type_that_both_engines_know(table):
    for column in table.columns:
        assert re.fullmatch(r"\S.*\S", column.comment), column.name
        assert not re.search(r"[^.]\.$", column.comment), f"{column.name}: no period at the end"
        assert TYPES.fullmatch(column.type), column.name
    assert len(set(table.column_names)) == len(table.column_names)


def test_column_names_show_the_kind_of_value(table):
    for column in table.columns:
        name = column.name.removeprefix("_")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        if table.name == "bronze.source":
            continue
        kinds = {"boolean": ("is_", "has_")}
        if column.type == "boolean" and name not in TRUTHS:
            assert name.startswith(kinds["boolean"]), name
        if column.type == "timestamp":
            assert name.endswith("_at") or name in TIMES, name
        if column.type == "date":
            assert name.endswith(("_on", "_date")) or name in DAYS, name


def test_keys_and_slice_columns_are_not_nullable(table):
    by = {*table.key, *([table.slice_by] if table.slice_by else [])}
    assert by <= set(table.column_names)
    assert [c.name for c in table.columns if c.name in by and c.nullable] == []


def test_a_table_has_a_slice_column_or_a_merge_key(table):
    assert table.slice_by or table.key


def test_a_table_with_an_as_of_is_sliced_by_it(table):
    if "as_of" in table.column_names:
        assert table.slice_by == "as_of"
        assert "as_of" in table.key


def test_rules_and_references_name_columns_and_tables_that_exist(table):
    for rule in table.rules:
        assert set(rule.columns) <= set(table.column_names), rule.name
        assert all(c in rule.passes for c in rule.columns), rule.name
        assert rule.severity in ("reject", "warn")
        assert rule.explanation, rule.name
    assert len({r.name for r in table.rules}) == len(table.rules)
    for column, other, its in table.references:
        assert column in table.column_names
        assert its in TABLES[other].column_names
    assert table.event_time is None or table.types[table.event_time] == "timestamp"


def test_required_columns_of_silver_have_a_not_null_rule(table):
    """Without the rule, the write fails on a row that belongs in quarantine."""
    of_no_source = ("silver.quarantine", "silver.erasure_list", "silver.pseudonyms")
    if table.layer != "silver" or table.name in of_no_source:
        return
    set_by_ingest = {"valid_from", "known_at", "source", "batch_id", "content_hash"}
    required = {c.name for c in table.columns if not c.nullable} - set_by_ingest
    checked = {r.columns[0] for r in table.rules if r.name.endswith("_not_null")}
    assert required <= checked


def test_gold_and_features_are_flat_and_hold_no_personal_data(table):
    if table.layer in ("gold", "features"):
        # A message contains the customer's name, logged features the customer's profile. The
        # contract declares both as personal.
        personal = {"gold.messages": ("text",), "gold.inference_log": ("features",)}
        assert table.personal_columns == personal.get(table.name, ())
        assert not any("<" in c.type for c in table.columns)


def test_free_text_is_personal_and_may_be_long(table):
    for column in table.columns:
        if column.is_free_text:
            assert column.personal, column.name
            lengths = [r.passes for r in table.rules if r.name == f"{column.name}_length"]
            assert lengths in ([], [f"length({column.name}) <= {LONGEST_TEXT}"])


def test_the_catalog_uses_the_table_names():
    assert [name for name, table in catalog.tables().items() if table.name != name] == []


def test_other_windows_change_the_window_columns_only():
    days, more = (catalog.tables(w)["features.transactions"] for w in ((30,), (30, 14)))
    gained = {"purchases_14d", "revenue_14d", "products_14d", "discounts_14d", "mean_basket_14d"}
    assert set(more.column_names) - set(days.column_names) == gained
