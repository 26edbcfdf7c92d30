"""The estimate of a run from the rows of its source files."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runtime import run_estimate
from runtime.run_estimate import MeasuredRun, estimate_text, estimated_seconds, source_rows
from runtime.settings.sources import SourceSettings

RUNS = [MeasuredRun(100, 60, None), MeasuredRun(10_000, 240, 2**32)]


def source(path, form="csv"):
    return SourceSettings(table="transactions", format=form, path=str(path), mapping={})


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(run_estimate, "MEASURED", RUNS)


@pytest.mark.parametrize(
    ("rows", "seconds"),
    [
        (0, 60),
        (100, 60),
        (1_000, 120),  # the middle on both logarithmic scales: sqrt(60 * 240)
        (10_000, 240),
        (20_000, 480),
        (20_001, None),  # more than twice the largest run
    ],
)
def test_the_seconds_of_a_number_of_rows(rows, seconds):
    assert estimated_seconds(rows, RUNS) == pytest.approx(seconds)


def test_the_rows_of_a_text_file_follow_from_its_bytes_and_first_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(run_estimate, "SAMPLE_BYTES", 40)
    (tmp_path / "a.csv").write_text("123456789\n" * 100)
    (tmp_path / "b.csv").write_text("123456789\n" * 20)
    assert source_rows("orders", source(tmp_path / "*.csv")) == 120  # 1,200 bytes of 10 each


def test_the_rows_of_parquet_are_exact(tmp_path):
    for name, rows in (("a", 3), ("b", 4)):
        pq.write_table(pa.table({"x": range(rows)}), tmp_path / f"{name}.parquet")
    (tmp_path / "_SUCCESS").touch()
    assert source_rows("orders", source(tmp_path, "parquet")) == 7


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv.gz", b"x\n" * 10), ("a.csv", b""), ("a.csv", b"no line end"), ("a.parquet", b"x")],
)
def test_rows_that_cannot_be_known_give_no_estimate(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    given = source(tmp_path / name, "parquet" if name.endswith("parquet") else "csv")
    assert source_rows("orders", given) is None
    (tmp_path / "b.csv").write_text("1\n" * 100)
    assert estimate_text({"orders": given, "others": source(tmp_path / "b.csv")}, 10) is None


def test_remote_and_missing_files_and_tables_give_no_estimate(tmp_path):
    for path in ("s3a://bucket/in", tmp_path / "missing.csv"):
        assert source_rows("orders", source(path)) is None
    table = SourceSettings(table="transactions", format="jdbc", mapping={})
    assert source_rows("orders", table) is None
    assert estimate_text({}, 0) is None


def test_the_sentence(tmp_path):
    """1 MiB of source files may take 12 times as much."""
    (tmp_path / "a.csv").write_text("1234567\n" * 1_234)
    assert estimate_text({"orders": source(tmp_path / "a.csv")}, 2**20) == (
        "Estimate for a first run of 1,200 rows: about 2 minutes, up to 4.0 GiB of memory, up to "
        "12 MiB of disk. It follows from runs of 100 to 10,000 rows on 2 cores; customers, "
        "settings and other work change it."
    )


def test_fewer_rows_than_were_measured_take_at_most_as_long(tmp_path):
    (tmp_path / "a.csv").write_text("1234567\n" * 99)
    told = estimate_text({"orders": source(tmp_path / "a.csv")}, 2**20)
    assert told.startswith("Estimate for a first run of 99 rows: at most about 60 s, up to")


def test_far_more_rows_than_were_measured_give_no_estimate(tmp_path):
    (tmp_path / "a.csv").write_text("1\n" * 20_001)
    assert estimate_text({"orders": source(tmp_path / "a.csv")}, 1) is None
