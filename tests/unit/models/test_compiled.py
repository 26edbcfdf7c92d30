"""Compiled functions are cached on disk if possible, and work without a cache."""

from __future__ import annotations

import importlib.util
import sys
import zipimport

import pytest
from numba.core.caching import CacheImpl

SOURCE = """
from models.compiled import compiled

@compiled
def twice(x):
    return 2 * x
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "kernel.py").write_text(SOURCE)
    return tmp_path


def _loaded(folder):
    spec = importlib.util.spec_from_file_location("kernel", folder / "kernel.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_machine_code_is_kept_beside_the_module_and_read_again(folder):
    assert _loaded(folder).twice(21) == 42
    assert list((folder / "__pycache__").glob("kernel.twice*.nbi"))
    again = _loaded(folder).twice
    assert again(21) == 42
    assert sum(again.stats.cache_hits.values()) == 1


def test_without_a_place_to_write_it_compiles_each_time(folder, monkeypatch):
    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    twice = _loaded(folder).twice
    assert twice(21) == 42
    assert sum(twice.stats.cache_hits.values()) == 0


def test_nothing_is_kept_of_a_module_in_a_zip(tmp_path, monkeypatch):
    import zipfile

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("zipped_kernel.py", SOURCE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "zipped_kernel", None)
    module = zipimport.zipimporter(str(tmp_path / "all.zip")).load_module("zipped_kernel")
    assert module.twice(21) == 42
    assert not (tmp_path / "cache").exists()
