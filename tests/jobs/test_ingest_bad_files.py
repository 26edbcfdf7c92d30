"""A bad file is named and quarantined as a file. It never stops the other files and sources."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip

import pytest

from contracts.bronze import INGEST_LOG
from pipelines.ingestion.file_scans import FileScans
from pipelines.ingestion.file_streams import stored_bytes
from pipelines.ingestion.source_files import SourceFile
from pipelines.ingestion.text_scan import Limits
from runtime.errors import QualityGateError
from tests.jobs.ingest_lake import HEADER, TRANSACTIONS

LINE = "c{0},o{0},p1,2018-01-01 10:00:00,1,10.00,0.10"
AGAIN = "It is tried again when its length or its modification time has changed."


def lines(first, last):
    return [LINE.format(n) for n in range(first, last)]


def text(*rows):
    return "".join(f"{row}\n" for row in (HEADER, *rows)).encode()


@pytest.fixture
def shop(company):
    """A source with 100 good rows."""
    company.source("purchases", TRANSACTIONS)
    company.file("purchases/a.csv", HEADER, *lines(0, 100))
    return company


def log(shop):
    return shop.rows("bronze.ingest_log", "file", "rows_in", "rows_kept", "fault")


def test_a_gigabyte_in_one_line_of_a_small_gzip_file_leaves_the_rest_alone(shop):
    path = shop.files / "purchases" / "z.csv.gz"
    with gzip.open(path, "wb") as stream:
        for _ in range(1024):
            stream.write(b"0" * 2**20)
    assert path.stat().st_size < 1.1 * 2**20
    shop.source("others", TRANSACTIONS)
    shop.file("others/a.csv", HEADER, *lines(200, 210))
    shop.ingest()
    # One row of 101 is less than 5 %: exit code 0.
    assert [w for w in shop.said.warnings if "profile" not in w] == [
        "purchases: z.csv.gz is quarantined as a file (line_length): a line has more than "
        "10,000,000 bytes, which is ingest.max_line_bytes. None of its rows are loaded. Deliver it "
        f"again with line ends, or raise the limit. {AGAIN}"
    ]
    assert log(shop) == [
        ("a.csv", 10, 10, None),
        ("a.csv", 100, 100, None),
        ("z.csv.gz", 0, 0, "line_length"),
    ]
    assert shop.frame("silver.transactions").count() == 110
    before = shop.versions()
    # It is not tried again.
    shop.ingest("2018-06-02")
    assert (shop.said.lines[1], shop.said.warnings) == ("nothing new", [])
    assert shop.versions() == before
    # It is tried again after it has changed.
    path.write_bytes(gzip.compress(text(*lines(100, 101))))
    shop.ingest("2018-06-03")
    assert shop.frame("silver.transactions").count() == 111
    assert shop.said.warnings[0] == "purchases: 1 of 1 customer has no profile"


def test_every_kind_of_bad_file_is_left_out_and_the_others_are_loaded(shop):
    packed = gzip.compress(text(*(LINE.format(n) for n in range(1000, 3000))))
    shop.raw("purchases/half.csv.gz", packed[: len(packed) // 2])
    shop.raw("purchases/text.csv.gz", text(LINE.format(1)))
    shop.raw("purchases/zeros.csv.bz2", bz2.compress(b"0" * 20_000_000))
    shop.raw("purchases/none.csv", b"")
    shop.raw("purchases/utf16.csv", "a,b\n1,2\n".encode("utf-16"))
    shop.file("purchases/cost.csv", HEADER.replace("price", "cost"), *lines(101, 103))
    shop.file("purchases/twice.csv", HEADER + ",a b,a.b", LINE.format(104) + ",1,2")
    shop.file("purchases/z.csv", HEADER, *lines(100, 101))
    shop.ingest(ingest={"max_quarantined_share": 1})
    assert log(shop) == [
        ("a.csv", 100, 100, None),
        ("cost.csv", 0, 0, "columns"),
        ("half.csv.gz", 0, 0, "unreadable"),
        ("none.csv", 0, 0, "empty"),
        ("text.csv.gz", 0, 0, "unreadable"),
        ("twice.csv", 0, 0, "columns"),
        ("utf16.csv", 0, 0, "encoding"),
        ("z.csv", 1, 1, None),
        ("zeros.csv.bz2", 0, 0, "line_length"),
    ]
    warnings = {w.split()[1]: w for w in shop.said.warnings if "quarantined as a file" in w}
    assert len(warnings) == 7
    assert warnings["cost.csv"] == (
        "purchases: cost.csv is quarantined as a file (columns): it has no column price, which "
        "mapping.amount uses. Its columns are customer, order, product, time, pieces, cost, rebate. "
        f"None of its rows are loaded. Fix its columns, or sources.purchases in conf. {AGAIN}"
    )
    assert warnings["half.csv.gz"] == (
        "purchases: half.csv.gz is quarantined as a file (unreadable): it cannot be decompressed "
        "(Compressed file ended before the end-of-stream marker was reached). None of its rows are "
        "loaded. Deliver it again, or fix format or options of sources.purchases in conf. " + AGAIN
    )
    assert "it has a column 'a.b', but the name a_b is already taken." in warnings["twice.csv"]
    assert shop.frame("silver.transactions").count() == 101


def test_above_the_limit_nothing_is_written(shop):
    """2 rows of cost.csv and 100 good ones, and half.csv.gz with 1,000 of all bytes."""
    shop.file("purchases/cost.csv", HEADER.replace("price", "cost"), *lines(101, 103))
    shop.raw("purchases/half.csv.gz", gzip.compress(text(*lines(0, 3000)))[:1000])
    size = sum(path.stat().st_size for path in (shop.files / "purchases").iterdir())
    share = 1000 / size + (1 - 1000 / size) * 2 / 102
    shop.ingest(is_dry=True, ingest={"max_quarantined_share": share + 1e-9})
    with pytest.raises(QualityGateError) as caught:
        shop.ingest(ingest={"max_quarantined_share": share - 1e-9})
    assert str(caught.value).splitlines()[0] == (
        f"purchases: 2 files and 0 of 100 rows ({share:.1%}) would be quarantined, the limit is "
        f"{share:.1%}. The warnings above name the files."
    )
    assert caught.value.exit_code == 3
    assert shop.versions() == {}


def test_a_bad_file_is_no_first_load(shop):
    """The rows of the first file that is loaded are known at their event, as in any first load."""
    good = (shop.files / "purchases/a.csv").rename(shop.files / "a.csv")
    shop.raw("purchases/none.csv", b"")
    shop.ingest("2018-06-01")
    assert log(shop) == [("none.csv", 0, 0, "empty")]
    good.rename(shop.files / "purchases/a.csv")
    shop.ingest("2018-06-02")
    assert {str(k) for (k,) in shop.rows("silver.transactions", "known_at")} == {
        "2018-01-01 10:00:00"
    }


def test_a_log_of_version_0_1_0_gains_the_columns(shop, spark):
    ddl = INGEST_LOG.ddl.removesuffix(", rows_left_out bigint, rows_erased bigint, fault string")
    assert ddl != INGEST_LOG.ddl
    old = [("purchases", "b0", "old.csv", dt.datetime(2018, 5, 1), 1, 1, 0, 0)]
    path = str(shop.root / "bronze" / "ingest_log")
    spark.createDataFrame(old, ddl).write.format("delta").save(path)
    shop.raw("purchases/none.csv", b"")
    shop.ingest("2018-06-01")
    assert log(shop) == [
        ("a.csv", 100, 100, None),
        ("none.csv", 0, 0, "empty"),
        ("old.csv", 1, 1, None),
    ]


def test_a_file_that_only_spark_finds_damaged_is_left_out_too(company, spark):
    """The footer is intact and the pages are not, so no scan can know before Spark reads them."""
    company.source("purchases", TRANSACTIONS, format="parquet")
    folder = company.files / "purchases"
    rows = spark.range(0, 1000, 1, 1).selectExpr(
        "concat('c', id) AS customer",
        "concat('o', id) AS order",
        "'p1' AS product",
        "timestamp'2018-01-01 10:00:00' AS time",
        "1 AS pieces",
        "id * 1.5D AS price",
        "CAST(null AS double) AS rebate",
    )
    for name in ("good", "bad"):
        rows.write.parquet(str(company.folder / name))
        (made,) = (company.folder / name).glob("*.parquet")
        made.rename(folder / f"{name}.parquet")
    content = bytearray((folder / "bad.parquet").read_bytes())
    content[100:4000] = b"\xff" * 3900
    (folder / "bad.parquet").write_bytes(content)
    company.ingest(ingest={"max_quarantined_share": 0.6})
    assert log(company) == [
        ("bad.parquet", 0, 0, "unreadable"),
        ("good.parquet", 1000, 1000, None),
    ]
    (warning,) = [w for w in company.said.warnings if "as a file" in w]
    assert warning.startswith(
        "purchases: bad.parquet is quarantined as a file (unreadable): Spark cannot read it ("
    )


def test_a_quote_that_never_ends_is_bounded_by_the_longest_value(company):
    """With multiLine, one column would take in the rest of the file."""
    company.source("purchases", TRANSACTIONS, options={"multiLine": "true"})
    company.file("purchases/a.csv", HEADER, *lines(0, 100))
    company.file("purchases/open.csv", HEADER, '"' + LINE.format(100), *lines(101, 200))
    company.ingest(ingest={"max_quarantined_share": 0.7, "max_column_chars": 1000})
    assert log(company) == [("a.csv", 100, 100, None), ("open.csv", 0, 0, "unreadable")]
    (warning,) = [w for w in company.said.warnings if "as a file" in w]
    assert (
        "; every quote must be closed, and a value has at most 1,000 characters "
        "(ingest.max_column_chars). None of its rows are loaded." in warning
    )


def test_files_of_other_file_systems_are_scanned_through_the_jvm(spark, tmp_path):
    """Without a scheme, Hadoop opens its default file system. Python opens only file: itself."""
    scans = FileScans(spark, Limits(100_000, 100_000, 200))

    def scanned(name, content, format_name="csv"):
        (tmp_path / name).write_bytes(content)
        file = SourceFile(name, name, str(tmp_path / name), len(content), 0)
        assert not file.is_local
        (scan,) = scans.of([file], format_name, {"header": "true"})
        return file, scan

    file, good = scanned("a b.csv", b"a,b\n" + b"1,2\n" * 200_000)
    assert good == (None, b"a,b\n")
    with stored_bytes(spark, file) as stream:
        stream.seek(-4, 2)
        assert (stream.tell(), stream.read()) == (800_000, b"1,2\n")
    assert scanned("b.csv.gz", gzip.compress(b"a,b\n1,2\n"))[1] == good
    for name, content in (
        ("long.csv", b"a,b\n" + b"0" * 300_000),
        ("long.csv.gz", gzip.compress(b"a,b\n" + b"0" * 300_000)),
        ("long.csv.bz2", bz2.compress(b"a,b\n" + b"0" * 300_000)),
    ):
        fault = scanned(name, content)[1].fault
        assert (fault.rule, fault.rows) == ("line_length", 1)
    assert scanned("cut.parquet", b"PAR1" + b"0" * 100, "parquet")[1].fault.rule == "unreadable"
