"""After clean_log a table has one version, its rows, and no value of older files."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from runtime.files import Location
from runtime.lakehouse import erasing
from runtime.lakehouse.erasing import PROPERTY, clean_log


def table_in(folder, parts=12):
    """Files of one row each; the ids of the first are least, so that statistics name them."""
    for n in range(parts):
        rows = pa.table({"customer_id": [f"id-{n:03d}"], "value": [float(n)]})
        write_deltalake(folder, rows, mode="append")
    DeltaTable(folder).create_checkpoint()
    return DeltaTable(folder)


def without_first(folder):
    """What erase_customer does before clean_log, by delta-rs."""
    gone = pa.table({"customer_id": ["id-000"]})
    condition = "kept.customer_id = gone.customer_id"
    merge = DeltaTable(folder).merge(gone, condition, source_alias="gone", target_alias="kept")
    merge.when_matched_delete().execute()
    DeltaTable(folder).vacuum(0, dry_run=False, enforce_retention_duration=False)
    DeltaTable(folder).alter.set_table_properties({PROPERTY: "now"}, raise_if_not_exists=False)


def texts_of(folder):
    for path in (p for p in folder.rglob("*") if p.is_file()):
        yield path.name, path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            yield path.name, json.dumps(pq.read_table(path).to_pylist(), default=str)


def test_the_log_and_the_files_hold_no_deleted_value(tmp_path):
    table_in(tmp_path)
    # Sidecars of Hadoop, which would no longer fit the files that delta-rs writes.
    without_first(tmp_path)
    version = DeltaTable(tmp_path).version()
    log = tmp_path / "_delta_log"
    for name in ("._last_checkpoint.crc", f".{version:020d}.checkpoint.parquet.crc"):
        (log / name).write_bytes(b"crc")
    (log / f".{0:020d}.json.crc").write_bytes(b"crc")
    (log / f"{0:020d}.crc").write_text("id-000")
    (log / f"{0:020d}.{9:020d}.compacted.json").write_text("id-000")
    assert [name for name, text in texts_of(tmp_path) if "id-000" in text]

    clean_log(Location.of(tmp_path))

    assert [name for name, text in texts_of(tmp_path) if "id-000" in text] == []
    assert sorted(p.name for p in log.iterdir()) == [
        f"{version:020d}.checkpoint.parquet",
        f"{version:020d}.json",
        "_last_checkpoint",
    ]
    table = DeltaTable(tmp_path)
    assert table.version() == version
    ids = sorted(table.to_pyarrow_table()["customer_id"].to_pylist())
    assert ids == [f"id-{n:03d}" for n in range(1, 12)]
    with pytest.raises(Exception, match="log segment"):
        DeltaTable(tmp_path, version=3)
    write_deltalake(tmp_path, pa.table({"customer_id": ["new"], "value": [1.0]}), mode="append")
    assert DeltaTable(tmp_path).version() == version + 1


def test_a_run_that_dies_after_the_checkpoint_is_repeated(tmp_path, monkeypatch):
    table_in(tmp_path)
    without_first(tmp_path)

    def die(name):
        raise KeyboardInterrupt(name)

    monkeypatch.setattr(erasing, "fault_point", die)
    with pytest.raises(KeyboardInterrupt, match="erase_checkpointed"):
        clean_log(Location.of(tmp_path))
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 11
    monkeypatch.undo()
    clean_log(Location.of(tmp_path))
    clean_log(Location.of(tmp_path))
    assert [name for name, text in texts_of(tmp_path) if "id-000" in text] == []
    assert DeltaTable(tmp_path).to_pyarrow_table().num_rows == 11
