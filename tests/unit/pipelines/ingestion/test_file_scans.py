"""Scans of files in the driver: bad files, and which files have equal columns. No Spark job runs."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from pipelines.ingestion.file_scans import FileScans, Scan
from pipelines.ingestion.source_files import SourceFile
from pipelines.ingestion.text_scan import Limits

LIMITS = Limits(max_line_bytes=100_000, max_column_chars=100_000, max_expansion=200)
CSV = {"header": "true"}


@pytest.fixture
def scan(tmp_path):
    """A function that writes files (name -> content) and scans them as local files."""

    def scanned(contents, format_name="csv", **options):
        scans = FileScans(None, LIMITS)
        files = []
        for name, content in contents.items():
            path = tmp_path / name
            path.write_bytes(content)
            address = "file:" + str(path).replace(" ", "%20")
            files.append(SourceFile(name, name, address, len(content), 0))
        return dict(zip(contents, scans.of(files, format_name, options), strict=True))

    return scanned


def groups(scans):
    """The names of files with equal columns."""
    alike = {}
    for name, result in scans.items():
        assert result.fault is None
        alike.setdefault(result.columns, []).append(name)
    return list(alike.values())


def test_files_with_equal_header_bytes_have_equal_columns(scan):
    scans = scan(
        {
            "a b.csv": b"a,b\n1,2\n",
            "b.csv": b"a,b\n3,4\n",
            "c.csv": b"b,a\n1,2\n",
            "d.csv.gz": gzip.compress(b"a,b\n5,6\n"),
            # Other bytes, though Spark may read the same names.
            "e.csv": b"a,b\r\n1,2\r\n",
        },
        **CSV,
    )
    assert groups(scans) == [["a b.csv", "b.csv", "d.csv.gz"], ["c.csv"], ["e.csv"]]


def test_without_a_header_the_number_of_columns_counts(scan):
    contents = {"a.csv": b"1;2\n", "b.csv": b"3;4\n", "c.csv": b"5;6;7\n"}
    assert groups(scan(contents, sep=";")) == [["a.csv", "b.csv"], ["c.csv"]]
    tabs = {name: text.replace(b";", b"\t") for name, text in contents.items()}
    assert groups(scan(tabs, delimiter="\\t")) == [["a.csv", "b.csv"], ["c.csv"]]
    # A separator in quotes is no separator: such first lines are compared as they are.
    quoted = {"a.csv": b'"1;2"\n', "b.csv": b'"1;2"\n', "c.csv": b'"3;4"\n'}
    assert groups(scan(quoted, sep=";")) == [["a.csv", "b.csv"], ["c.csv"]]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        # A quoted name may go on in the next line.
        (b'"a\nb",c\n1,2\n', {"multiLine": "true"}),
        ("a,b\n".encode("utf-16"), {"encoding": "UTF-16"}),
        # 200,004 bytes without LF.
        (b"a,b|" + b"1,2|" * 50_000, {"lineSep": "|"}),
        (b"x" * 70_000, {}),
    ],
)
def test_where_the_first_line_does_not_tell_spark_reads_the_columns(scan, content, options):
    assert scan({"a.csv": content}, **CSV, **options) == {"a.csv": Scan(None, None)}


def test_a_file_that_breaks_a_rule_is_found_beside_good_ones(scan):
    scans = scan(
        {
            "good.csv": b"a,b\n1,2\n",
            "long.csv": b"a,b\n1,2\n" + b"x" * 100_001,
            "one_line.csv.gz": gzip.compress(b"0" * 1_000_000),
            "half.csv.gz": gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 9)[:-9],
            "empty.csv": b"",
            "blank.csv": b"\n \n",
            "latin.csv": "größe,b\n".encode("latin-1"),
        },
        **CSV,
    )
    long = "a line has more than 100,000 bytes, which is ingest.max_line_bytes"
    assert {name: (s.fault.rule, s.fault.rows) for name, s in scans.items() if s.fault} == {
        # The header is no row. A single line counts as one.
        "long.csv": ("line_length", 3 - 1),
        "one_line.csv.gz": ("line_length", 1),
        "half.csv.gz": ("unreadable", None),
        "empty.csv": ("empty", 0),
        "blank.csv": ("empty", 0),
        "latin.csv": ("encoding", None),
    }
    assert scans["long.csv"].fault.reason == long
    assert scans["empty.csv"].fault.reason == "it has 0 bytes"


def test_json_has_lines_but_no_header(scan):
    scans = scan({"a.json": b'{"a": 1}\n', "b.json": b"x" * 100_001}, "json")
    assert scans["a.json"] == Scan(None, None)
    assert (scans["b.json"].fault.rule, scans["b.json"].fault.rows) == ("line_length", 1)


def test_parquet_files_are_compared_by_their_schema(scan, tmp_path):
    def parquet(**columns):
        # pandas' own metadata, which names the number of rows, is not read by Spark.
        pd.DataFrame(columns).to_parquet(tmp_path / "made")
        return (tmp_path / "made").read_bytes()

    good = parquet(a=[1, 2], b=["x", "y"])
    scans = scan(
        {
            "a.parquet": good,
            "b.parquet": parquet(a=[3], b=["z"]),
            "c.parquet": parquet(a=["3"], b=["z"]),
        },
        "parquet",
    )
    assert groups(scans) == [["a.parquet", "b.parquet"], ["c.parquet"]]
    bad = scan({"cut.parquet": good[:-8], "text.parquet": b"a,b\n1,2\n" * 9}, "parquet")
    for result in bad.values():
        assert (result.fault.rule, result.fault.rows) == ("unreadable", None)
        assert result.fault.reason.startswith("its footer is not that of a Parquet file (")


def test_a_file_is_scanned_once_per_run_for_the_same_options(scan, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b\n")
    scans = FileScans(None, LIMITS)
    for_orders = SourceFile("1", "a.csv", f"file:{path}", 4, 0)
    for_customers = SourceFile("2", "a.csv", f"file:///{str(path).lstrip('/')}", 4, 0)
    (first,) = scans.of([for_orders], "csv", CSV)
    assert first == Scan(None, b"a,b\n")
    path.unlink()
    assert scans.of([for_orders], "csv", {"HEADER": "true"}) == [first]
    # Under another path it is opened again. What cannot be opened is left to Spark.
    assert scans.of([for_customers], "csv", CSV) == [Scan(None, None)]
