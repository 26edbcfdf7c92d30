"""From a file to a clean check without writing SQL: init writes conf, check applies it."""

from __future__ import annotations

import re

import pytest
import yaml

from pipelines.ingestion import conf_guess
from pipelines.ingestion.conf_guess import run as init
from runtime import settings as settings_module
from runtime.errors import QualityGateError, SourceError, UsageError
from runtime.settings.new_environment import init_options
from tests import exports
from tests.jobs.ingest_lake import Said

pytestmark = pytest.mark.duckdb_only


@pytest.fixture(autouse=True)
def conf(tmp_path):
    """The folder with the written settings."""
    folder = tmp_path / "conf"
    folder.mkdir()
    yield folder
    settings_module.use_conf_dir(None)


@pytest.fixture
def init_of(conf):
    """A function that runs init on an export and gives the YAML text and its content."""

    def written(path, env="mine"):
        init(init_options(str(path), env, str(conf)))
        text = (conf / f"{env}.yaml").read_text()
        return text, yaml.safe_load(text)

    return written


@pytest.fixture
def check(conf):
    """A function that runs check on conf/mine.yaml and gives what it printed."""

    def said():
        from pipelines.ingestion import sample_check
        from runtime.context import Context
        from runtime.run_info import RunInfo

        settings_module.use_conf_dir(str(conf))
        context = Context(settings_module.load("mine"), RunInfo("check"), Said(), is_dry=True)
        sample_check.run(context)
        return context.progress

    return said


def numbers_of(said):
    """rows in, kept, quarantined, duplicates and left out of the only source."""
    (line,) = [x for x in said.lines if re.match(r"orders: \d+ file", x)]
    return [
        int(n.replace(",", ""))
        for n in re.findall(r"([\d,]+) (?=rows? in|kept|quar|exact|left)", line)
    ]


def test_the_messy_export_needs_no_sql(tmp_path, init_of, check, capsys):
    file, export = exports.messy(tmp_path)
    text, given = init_of(file)
    said = check()

    out = export.cancelled + export.guests + export.totals
    assert numbers_of(said) == [len(export.lines), export.kept, 0, 0, out]
    assert f"warnings: amount_is_negative {export.returns}" in "\n".join(said.lines)
    (orders,) = given["sources"].values()
    assert given["currency"] == "EUR"
    assert orders["options"] == {"sep": ";", "encoding": "windows-1252"}
    assert orders["key"] == ["order_id", "line_number"]
    assert orders["keep_unmapped"] is False
    assert orders["mapping"] == {
        "customer_id": "Kunden Nr.",
        "order_id": "Bestell-Nr.",
        "line_number": "Pos.",
        "product_id": "Artikel",
        "purchased_at": "coalesce(to_timestamp(Bestelldatum, 'dd.MM.yyyy HH:mm'), "
        "to_timestamp(Bestelldatum, 'dd.MM.yyyy'))",
        "quantity": "Menge",
        "amount": "cast(replace(replace(Betrag__EUR_, '.', ''), ',', '.') as decimal(18,2))",
        "discount": "greatest(0, cast(replace(replace(Einzelpreis__EUR_, '.', ''), ',', '.') as "
        "decimal(18,2)) * cast(Menge as decimal(18,3)) * cast(`Rabatt_%` as decimal(18,4)) / 100)",
    }
    assert orders["where"] == (
        "coalesce(trim(`Bestell-Nr_`), '') <> 'Summe' and coalesce(trim(Status), '') <> 'storniert' "
        "and coalesce(trim(Kunden_Nr_), '') not in ('', 'Gast')"
    )
    # Names and addresses are masked.
    assert "Huber" not in text and "example.org" not in text
    assert "Huber" not in capsys.readouterr().out


@pytest.mark.parametrize("name", exports.EXPORTS)
def test_an_export_is_checked_as_it_was_guessed(name, tmp_path, init_of, check):
    make, kept, left_out = exports.EXPORTS[name]
    init_of(make(tmp_path))
    counted = numbers_of(check())
    assert counted[:4] == [kept + left_out, kept, 0, 0]
    assert sum(counted[4:]) == left_out


def test_doubts_stand_beside_the_lines(tmp_path, init_of):
    text, _ = init_of(exports.us_dates(tmp_path))
    assert (
        "# DOUBT: 01/01/2024 is read with the month first. No value shows whether the day or the "
        "month comes first." in text
    )
    assert "# currency: EUR   # DOUBT: no column names the currency. Set it for the report." in text


def test_bad_rows_are_quarantined_with_an_example_each(tmp_path, init_of, check):
    init_of(exports.damaged(tmp_path))
    said = check()
    assert numbers_of(said)[2:4] == [5, 1]
    assert [x for x in said.lines if "to quarantine" in x] == [
        "2 rows to quarantine, such as damaged.csv: malformed_row, the row has too "
        "few or too many columns, or is not a JSON object",
        "1 row to quarantine, such as damaged.csv, Betrag__EUR_ = 'viel': amount_type, the value "
        "cannot be read as the type of its column",
        "1 row to quarantine, such as damaged.csv, Bestelldatum = '33.01.2024': purchased_at_type, "
        "the value cannot be read as the type of its column",
        "1 row to quarantine, such as damaged.csv, Bestell-Nr_ = 'B100002', Pos_ = '1': unique_key, "
        "an earlier row has the same key and different content",
    ]


def test_the_first_kept_rows_are_those_of_the_file(tmp_path, init_of, check):
    init_of(exports.tiny(tmp_path))
    lines = check().lines
    start = lines.index("first kept rows of orders:")
    assert lines[start + 1 :][:4] == [
        "customer_id  order_id  purchased_at         amount",
        "a            1         2024-01-02 00:00:00  3.50",
        "b            2         2024-01-03 00:00:00  4.50",
        "a            3         2024-02-03 00:00:00  10.00",
    ]


def test_too_many_bad_rows_end_the_check(tmp_path, init_of, check):
    file = exports.tiny(tmp_path)
    init_of(file)
    file.write_text(file.read_text().replace("3,50", "x"))
    with pytest.raises(QualityGateError) as caught:
        check()
    assert str(caught.value).startswith("orders: 1 of 3 rows (33.3%) would be quarantined")


def test_a_column_that_is_gone_is_named(tmp_path, init_of, check):
    file = exports.tiny(tmp_path)
    init_of(file)
    file.write_text(file.read_text().replace("date", "day"))
    with pytest.raises(SourceError) as caught:
        check()
    assert str(caught.value) == (
        "source orders: tiny.csv has no column date, which mapping.purchased_at uses. Its columns "
        "are order, customer, day, amount. Nothing was written. Deliver the file with this column, "
        "or change sources.orders.mapping.purchased_at in conf/mine.yaml."
    )


def test_an_expression_that_duckdb_lacks_is_left_to_spark(tmp_path, init_of, check, conf):
    init_of(exports.tiny(tmp_path))
    text = (conf / "mine.yaml").read_text()
    (conf / "mine.yaml").write_text(text.replace("order_id: order ", "order_id: soundex(order) "))
    with pytest.raises(UsageError) as caught:
        check()
    assert str(caught.value) == (
        "conf/mine.yaml: sources.orders.mapping.order_id = 'soundex(order)' cannot be checked without "
        "Spark: SOUNDEX is not supported in DuckDB. "
        "Run `ingest --dry-run` instead, which checks it with Spark."
    )


# name of the file, its content, the sentence
REFUSED = [
    ("empty.csv", b"", "empty.csv is empty. A file must at least name its columns."),
    (
        "head.csv",
        b"order,customer,date,amount\n",
        "head.csv names its columns but has no rows, so nothing is guessed.",
    ),
    (
        "image.csv",
        bytes(range(256)) * 20,
        "image.csv is not a text file. Export the orders as CSV, Excel (.xlsx) or Parquet.",
    ),
    (
        "words.csv",
        b"abc\ndef\n",
        "words.csv has one column only: its first line is 'abc'. An export of orders has a customer, "
        "a time and an amount, separated by ; , | or a tab.",
    ),
    (
        "titled.csv",
        b"Orders of 2024;;\n\norder;date;amount\n1;2024-01-02;3,50\n",
        "titled.csv begins with 1 line above the table, such as 'Orders of 2024;;'. Remove everything "
        "above the names of the columns.",
    ),
    (
        "old.xls",
        b"\xd0\xcf\x11\xe0rest",
        "old.xls is an Excel file of the format before 2007. Save it as .xlsx or as CSV.",
    ),
]


@pytest.mark.parametrize(("name", "content", "sentence"), REFUSED)
def test_a_file_that_is_no_export_is_refused(name, content, sentence, tmp_path, init_of, conf):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        init_of(tmp_path / name)
    assert str(caught.value) == sentence
    assert [*conf.iterdir()] == []


def test_a_file_is_never_overwritten(tmp_path, init_of):
    file = exports.tiny(tmp_path)
    init_of(file)
    with pytest.raises(UsageError) as caught:
        init_of(file)
    assert str(caught.value) == (
        "--env mine: mine.yaml exists in conf/ and is not overwritten. Choose another name, or move "
        "the file."
    )


def test_arguments_that_name_nothing_are_refused(tmp_path, init_of):
    with pytest.raises(UsageError) as caught:
        init_of("no/such/file.csv")
    assert str(caught.value) == "no/such/file.csv: no such file or folder. Name the export to read."
    with pytest.raises(UsageError) as caught:
        init_of(exports.tiny(tmp_path), env="../mine")
    assert str(caught.value) == (
        "--env ../mine: must be letters, digits, - and _, and none of defaults, offers. Choose "
        "another name."
    )


def test_text_in_utf_16_is_copied(tmp_path, init_of, check):
    text = "order;customer;date;amount\n1;ä;2024-01-02;3,50\n2;b;2024-01-03;4,50\n"
    (tmp_path / "orders.csv").write_bytes(text.encode("utf-16"))
    _, given = init_of(tmp_path / "orders.csv")
    assert given["sources"]["orders"]["path"] == str(tmp_path / "orders.utf8.csv")
    assert numbers_of(check()) == [2, 2, 0, 0]


def test_excel_is_copied(tmp_path, init_of, check):
    openpyxl = pytest.importorskip("openpyxl", reason="optional: holdfast[excel]")
    import datetime as dt

    book = openpyxl.Workbook()
    book.active.append(["Order", "Customer", "Date", "Amount"])
    book.active.append([1, "a", dt.datetime(2024, 1, 2, 10, 30), 3.5])
    book.active.append([2, "b", dt.datetime(2024, 1, 3), 1249])
    book.save(tmp_path / "orders.xlsx")
    _, given = init_of(tmp_path / "orders.xlsx")
    assert given["sources"]["orders"]["path"] == str(tmp_path / "orders.csv")
    assert numbers_of(check()) == [2, 2, 0, 0]


def test_excel_without_its_package_is_refused(tmp_path, init_of, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "orders.xlsx").write_bytes(b"PK\x03\x04rest")
    with pytest.raises(UsageError) as caught:
        init_of(tmp_path / "orders.xlsx")
    assert str(caught.value) == (
        "orders.xlsx: Excel files need the package openpyxl. Run `pip install openpyxl`, or "
        "save the file as CSV."
    )


@pytest.mark.parametrize(
    ("is_installed", "first"), [(True, ""), (False, "`bin/setup duckdb` once, and ")]
)
def test_the_last_line_of_init_says_what_to_run(
    tmp_path, init_of, capsys, monkeypatch, is_installed, first
):
    monkeypatch.setattr(conf_guess, "find_spec", lambda name: object() if is_installed else None)
    (tmp_path / "orders.csv").write_text(
        "order,customer,date,amount\n1,a,2024-07-01,1.50\n2,b,2024-07-02,2.50\n"
    )
    init_of(tmp_path / "orders.csv")
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"Wrote {tmp_path}/conf/mine.yaml. Read it, then run {first}`holdfast check mine`."
    )
