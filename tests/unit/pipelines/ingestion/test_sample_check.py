"""What `check` prints for sources that were written by hand."""

from __future__ import annotations

import pytest
import yaml

from runtime import settings as settings_module
from runtime.errors import QualityGateError, SourceError, UsageError
from tests.jobs.ingest_lake import Said

pytestmark = pytest.mark.duckdb_only

ORDERS = {
    "table": "transactions",
    "format": "csv",
    "mapping": {"customer_id": "who", "order_id": "no", "purchased_at": "at", "amount": "sum"},
}
LINES = "no,who,at,sum\n1,a,2024-07-01 00:30,1.50\n2,b,2024-07-02 12:00,2.50\n"


@pytest.fixture
def check(tmp_path):
    """A function that checks sources with the given files and gives what was printed."""

    def said(sources, limit=0.05, **files):
        from pipelines.ingestion import sample_check
        from runtime.context import Context
        from runtime.run_info import RunInfo

        for name, text in files.items():
            (tmp_path / f"{name}.csv").write_text(text)
            sources[name] = {"path": str(tmp_path / f"{name}.csv"), **sources[name]}
        ingest = {"max_quarantined_share": limit}
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"sources": sources, "ingest": ingest}))
        settings_module.use_conf_dir(str(tmp_path))
        context = Context(settings_module.load("mine"), RunInfo("check"), Said(), is_dry=True)
        sample_check.run(context)
        return context.progress

    yield said
    settings_module.use_conf_dir(None)


def test_times_without_a_zone_are_those_of_the_source(check):
    lines = LINES + "3,c,2024-07-03T12:00:00Z,3.50\n"
    said = check({"orders": {**ORDERS, "time_zone": "Asia/Tokyo"}}, orders=lines)
    assert "orders: 1 file, 3 rows in = 3 kept + 0 quarantined + 0 exact duplicates" in said.lines
    # Tokyo is nine hours ahead of UTC, in which times are shown.
    start = said.lines.index("first kept rows of orders:") + 2
    assert [" ".join(line.split()) for line in said.lines[start:][:3]] == [
        "a 1 2024-06-30 15:30:00 1.50",
        "b 2 2024-07-02 03:00:00 2.50",
        "c 3 2024-07-03 12:00:00 3.50",
    ]


def test_an_event_of_tomorrow_is_quarantined(check):
    tomorrow = LINES.replace("2024-07-02", "2999-01-01")
    with pytest.raises(Exception, match="purchased_at_not_future 1"):
        check({"orders": ORDERS}, orders=tomorrow)


def test_names_and_addresses_of_customers_are_hidden(check):
    members = {
        "table": "customers",
        "format": "csv",
        "mapping": {"customer_id": "id", "first_name": "name", "email": "mail"},
    }
    said = check(
        {"orders": ORDERS, "members": members},
        orders=LINES,
        members="id,name,mail\na,Anna,anna@example.org\nb,,\n",
    )
    start = said.lines.index("first kept rows of members:")
    assert said.lines[start + 1 :][:3] == [
        "customer_id  first_name  email",
        "a            ***         ***",
        "b            null        null",
    ]
    assert "Anna" not in "\n".join(said.lines)


def test_a_key_that_loses_equal_articles_is_warned_of(check):
    orders = {**ORDERS, "key": ["order_id"]}
    said = check({"orders": orders}, orders=LINES + LINES.splitlines()[1] + "\n")
    assert "orders: 1 file, 3 rows in = 2 kept + 0 quarantined + 1 exact duplicate" in said.lines
    assert said.warnings == [
        "orders: rows that equal an earlier row of the same file, dropped as exact duplicates: 1. If "
        "an order may list the same article twice, map line_number and add it to sources.orders.key. "
        "If the export has no line number, and no row is delivered twice, remove the key."
    ]


def test_a_lookup_is_joined(check, tmp_path):
    (tmp_path / "shops.csv").write_text("shop,currency\ns1,EUR\ns2,USD\n")
    lookup = {"format": "csv", "path": str(tmp_path / "shops.csv"), "join_on": ["shop"]}
    orders = {**ORDERS, "lookups": {"shops": lookup}, "where": "currency = 'EUR'"}
    lines = "no,who,at,sum,shop\n1,a,2024-07-01,1.50,s1\n2,b,2024-07-02,2.50,s2\n"
    said = check({"orders": orders}, orders=lines)
    assert "1 row left out by currency = 'EUR', such as orders.csv" in said.lines


def test_options_that_are_not_followed_are_named(check):
    said = check({"orders": {**ORDERS, "options": {"comment": "#"}}}, orders=LINES)
    assert said.warnings == [
        "orders: `check` does not follow the options comment. Run `ingest --dry-run` instead, which "
        "checks it with Spark."
    ]


def test_a_table_is_left_to_spark(check):
    orders = {**ORDERS, "format": "delta", "path": "/data/orders", "key": ["order_id"]}
    with pytest.raises(UsageError) as caught:
        check({"orders": orders})
    assert str(caught.value) == (
        "conf/mine.yaml: sources.orders.format = 'delta': `check` reads csv, json and parquet. Run "
        "`ingest --dry-run` instead, which checks it with Spark."
    )


def test_a_file_that_ingest_refuses_is_not_read(check, tmp_path):
    orders = {**ORDERS, "path": str(tmp_path / "day*.csv")}
    (tmp_path / "day 1.csv").write_text("")
    (tmp_path / "day2.csv").write_text(LINES)
    said = check({"orders": orders})
    assert said.warnings == [
        "orders: day 1.csv is quarantined as a file (empty): it has 0 bytes. None of its "
        "rows are loaded. Deliver it again with a line that names its columns, and its rows. It is "
        "tried again when its length or its modification time has changed."
    ]
    assert "orders: 1 file, 2 rows in = 2 kept + 0 quarantined + 0 exact duplicates" in said.lines


def test_a_source_whose_only_file_is_refused_fails_the_gate(check):
    with pytest.raises(QualityGateError, match=r"orders: 1 file and 0 of 0 rows \(100\.0%\)"):
        check({"orders": {**ORDERS, "format": "parquet"}}, orders=LINES)


def test_tokens_are_left_to_spark(check):
    answers = {
        "table": "survey_answers",
        "format": "csv",
        "mapping": {"token": "token", "answered_at": "at", "score": "score"},
    }
    said = check(
        {"orders": ORDERS, "answers": answers},
        orders=LINES,
        answers="token,at,score\nx,2024-07-01,9\n",
    )
    assert said.warnings == [
        "answers: `check` does not verify tokens. Run `ingest --dry-run` instead, which checks it "
        "with Spark."
    ]


def test_a_file_without_a_mapped_column_is_quarantined_as_ingest_quarantines_it(check, tmp_path):
    """The second of two files lacks the amount: 1 of 3 rows, above the limit of 5 %."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text(LINES)
    (folder / "b.csv").write_text("no,who,at\n3,c,2024-07-03 12:00\n")
    told = (
        "orders: b.csv is quarantined as a file (columns): it has no column sum, which "
        "mapping.amount uses. Its columns are no, who, at. None of its rows are loaded. Fix its "
        "columns, or sources.orders in conf. It is tried again when its length or its modification "
        "time has changed."
    )
    with pytest.raises(QualityGateError, match="33"):
        check({"orders": {**ORDERS, "path": str(folder)}})
    said = check({"orders": {**ORDERS, "path": str(folder)}}, limit=0.5)
    assert told in said.warnings
    assert "orders: 1 file, 2 rows in = 2 kept + 0 quarantined + 0 exact duplicates" in said.lines


def test_a_column_that_no_file_has_is_a_fault_of_the_mapping(check):
    with pytest.raises(SourceError) as caught:
        check({"orders": ORDERS}, orders=LINES.replace("sum", "total"))
    assert str(caught.value) == (
        "source orders: orders.csv has no column sum, which mapping.amount uses. Its columns are "
        "no, who, at, total. Nothing was written. Deliver the file with this column, or change "
        "sources.orders.mapping.amount in conf/mine.yaml."
    )
