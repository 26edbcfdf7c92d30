"""The sample has the columns and values of Spark's readers."""

from __future__ import annotations

import gzip

import pytest

from pipelines.ingestion import sample_rows
from pipelines.ingestion.local_files import local_files
from pipelines.ingestion.sample_rows import read_sample
from pipelines.ingestion.source_files import RESERVED
from runtime.errors import SourceError, StoreError, UsageError
from runtime.files import Location


@pytest.fixture
def sample(tmp_path):
    """A function that writes files and reads them as one source."""

    def read(*contents, form="csv", name="part{}.csv", **options):
        files = [tmp_path / name.format(place) for place in range(len(contents))]
        for file, content in zip(files, contents, strict=True):
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_sample("orders", form, files, options=options)

    return read


def rows(read):
    return read.table.drop_columns(["_file", "_malformed"]).to_pylist()


def test_a_name_is_the_one_in_bronze_and_blank_is_null(sample):
    read = sample("Unit price (EUR),b\n1,\n")
    assert rows(read) == [{"Unit_price__EUR_": "1", "b": None}]
    assert read.headers == {"Unit_price__EUR_": "Unit price (EUR)", "b": "b"}


# (options, content, rows)
OPTIONS = [
    ({"sep": ";"}, "a;b\n1;2\n", [{"a": "1", "b": "2"}]),
    ({"sep": "\\t"}, "a\tb\n1\t2\n", [{"a": "1", "b": "2"}]),
    ({"header": "false"}, "1,2\n", [{"_c0": "1", "_c1": "2"}]),
    ({"encoding": "windows-1252"}, "a,b\nö,2\n".encode("cp1252"), [{"a": "ö", "b": "2"}]),
    ({}, 'a,b\n"x, ""y""",2\n', [{"a": 'x, "y"', "b": "2"}]),
    ({"escape": "\\"}, 'a,b\n"x \\"y\\"",2\n', [{"a": 'x "y"', "b": "2"}]),
    ({"multiLine": "true"}, 'a,b\n"x\ny",2\n', [{"a": "x\ny", "b": "2"}]),
    # A byte that is not valid becomes U+FFFD, which a rule finds.
    ({}, b"a,b\n\xf6,2\n", [{"a": "\ufffd", "b": "2"}]),
    # A byte order mark belongs to no name, and blank lines are skipped.
    ({}, "\ufeffa,b\n\n1,2\n", [{"a": "1", "b": "2"}]),
]


@pytest.mark.parametrize(("options", "content", "expected"), OPTIONS)
def test_the_options_of_the_reader_are_followed(sample, options, content, expected):
    assert rows(sample(content, **options)) == expected


def test_a_row_with_too_few_or_too_many_columns_is_malformed(sample):
    read = sample("a,b\n1,2\n3\n4,5,6\n")
    assert read.table.column("_malformed").to_pylist() == [None, "3", "4,5,6"]
    assert rows(read)[1:] == [{"a": "3", "b": None}, {"a": "4", "b": "5"}]


def test_files_with_other_columns_are_one_sample(sample):
    read = sample("a,b\n1,2\n", "b,c\n3,4\n")
    assert rows(read) == [{"a": "1", "b": "2", "c": None}, {"a": None, "b": "3", "c": "4"}]
    assert read.title == "part0.csv and 1 more"


def test_compressed_files_are_read(sample):
    read = sample(gzip.compress(b"a,b\n1,2\n"), name="part{}.csv.gz")
    assert rows(read) == [{"a": "1", "b": "2"}]


def test_json_is_text(sample):
    content = '{"a": 1, "b": {"c": "x"}}\n{"a": null}\nno json\n'
    read = sample(content, form="json", name="{}.json")
    assert rows(read)[:2] == [{"a": "1", "b": '{"c":"x"}'}, {"a": None, "b": None}]
    assert read.table.column("_malformed").to_pylist() == [None, None, "no json"]


def test_of_a_long_file_beginning_middle_and_end_are_read(sample, monkeypatch):
    monkeypatch.setattr(sample_rows, "MOST_ROWS", 10)
    read = sample("a,b\n" + "".join(f"{n},x\n" for n in range(100)))
    # 60 %, 20 % around the middle, 20 %: (100 - 10) / 2 rows lie between the parts.
    expected = [*range(6), *(6 + 45, 6 + 46), 98, 99]
    assert [int(row["a"]) for row in rows(read)] == expected
    assert read.rows_in_all == 100


def test_of_many_files_the_first_and_the_last_are_read(sample, monkeypatch):
    monkeypatch.setattr(sample_rows, "MOST_FILES", 3)
    read = sample(*[f"a,b\n{n},x\n" for n in range(9)])
    assert [int(row["a"]) for row in rows(read)] == [0, 4, 8]
    assert read.rows_in_all == 9


# (content, sentence)
REFUSED = [
    (
        "",
        "source orders: part0.csv has 0 bytes. A file must at least name its columns. Remove it, or "
        "deliver it again.",
    ),
    (
        "a,a\n1,2\n",
        "source orders: part0.csv cannot be read as csv: it has two columns 'a'. Fix path, format or "
        "options in conf, or the file.",
    ),
    (
        "a.,a \n1,2\n",
        "source orders: part0.csv has a column 'a ', but the name a_ is already taken. Names are "
        "case-insensitive, and these are reserved for ingest: "
        f"{', '.join(RESERVED)}. Rename the column in the file.",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), REFUSED)
def test_a_file_without_usable_columns_is_refused(sample, content, sentence):
    with pytest.raises(SourceError) as caught:
        sample(content)
    assert str(caught.value) == sentence


def test_files_are_found_as_spark_finds_them(tmp_path):
    for name in ("b.csv", "a.csv", "_SUCCESS", ".hidden"):
        (tmp_path / name).write_text("x")
    expected = [Location.of(tmp_path / "a.csv"), Location.of(tmp_path / "b.csv")]
    assert local_files("orders", str(tmp_path)) == expected
    assert local_files("orders", str(tmp_path / "*.csv")) == expected
    assert local_files("orders", str(tmp_path / "a.csv")) == expected[:1]


@pytest.mark.parametrize(
    ("path", "error", "sentence"),
    [
        (
            "/no/such/file.csv",
            UsageError,
            "source orders: /no/such/file.csv matches no file. Put a file there, or fix "
            "sources.orders.path in conf (a file, a folder, a pattern, or package:<package>/<path>).",
        ),
        (
            "s4a://bucket/orders.csv",
            StoreError,
            "s4a://bucket/orders.csv: cannot be used: Python has no file system for it. Use one of "
            "the addresses that docs/platforms.md lists under Object stores.",
        ),
    ],
)
def test_a_path_without_files_is_refused(path, error, sentence):
    with pytest.raises(error) as caught:
        local_files("orders", path)
    assert str(caught.value) == sentence
