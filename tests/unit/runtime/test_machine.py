"""What a run has at its disposal, and the warning of a small disk."""

from __future__ import annotations

from collections import namedtuple

import pytest

from runtime import machine
from runtime.files import Location

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def free(monkeypatch):
    """Set the free bytes of every disk."""

    def set_to(number):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: Usage(0, 0, number))

    return set_to


def test_local_files_folders_and_patterns_are_counted_once(tmp_path):
    (tmp_path / "in").mkdir()
    for name, size in (("a.csv", 10), ("b.csv", 20), ("c.txt", 40)):
        (tmp_path / "in" / name).write_bytes(b"x" * size)
    folder = str(tmp_path / "in")
    assert machine.local_bytes({"a": f"{folder}/*.csv"}) == 10 + 20
    assert machine.local_bytes({"a": folder, "b": f"{folder}/a.csv"}) == 10 + 20 + 40
    assert machine.local_bytes({"a": "s3a://bucket/in", "b": f"{folder}/missing.csv"}) == 0


def test_a_file_of_a_python_package_is_counted(tmp_path, monkeypatch):
    package = tmp_path / "receipts_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.csv").write_bytes(b"x" * 50)
    monkeypatch.syspath_prepend(tmp_path)
    assert machine.local_bytes({"a": f"package:{package.name}/a.csv"}) == 50


def test_the_line_of_the_machine(tmp_path, monkeypatch, free):
    free(50 * 2**30)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(machine, "free_memory", lambda: 20 * 2**30)
    lake = tmp_path / "not" / "yet"
    assert machine.machine_text(Location.of(lake), 36 * 2**20) == (
        "This run has 2 cores, 20.0 GiB of memory free, 50.0 GiB of disk free, "
        "36 MiB of source files."
    )
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    assert (
        machine.machine_text(Location.of(lake), 0) == "This run has 2 cores, 50.0 GiB of disk free."
    )


def test_an_object_store_has_no_disk(monkeypatch):
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    lake = Location.of("s3a://shop/lake")
    assert machine.machine_text(lake, 0) == "This run has 2 cores."
    assert machine.lack_of_disk(lake, 2**60) is None


def test_a_disk_below_twelve_times_the_source_files_is_named(tmp_path, free):
    free(12 * 2**30)
    assert machine.lack_of_disk(Location.of(tmp_path), 2**30) is None
    free(12 * 2**30 - 1)
    assert machine.lack_of_disk(Location.of(tmp_path), 2**30) == (
        f"{tmp_path}: 12.0 GiB of disk are free, but 1.0 GiB of source files may need 12.0 GiB. "
        "Free disk space, or set lakehouse.root to another disk."
    )
