"""Temporary tables and files of a run: where they lie, and that none is left."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.lakehouse.platform import Platform
from runtime.lakehouse.temporary_tables import TemporaryTables


class Frame:
    """A Spark frame that can be written, with the calls of its writer."""

    def __init__(self, *types):
        self.schema = [SimpleNamespace(name=f"c{n}", dataType=t) for n, t in enumerate(types)]
        self.cast_to_string, self.written_with = [], {}

    def withColumns(self, columns):
        self.cast_to_string = list(columns)
        return self

    @property
    def write(self):
        return self

    def format(self, name):
        self.written_with["format"] = name
        return self

    def option(self, key, value):
        self.written_with[key] = value
        return self

    def save(self, folder):
        Path(folder).mkdir(parents=True)

    def saveAsTable(self, name):
        self.written_with["table"] = name


class Reader:
    def format(self, name):
        return self

    def load(self, folder):
        return f"frame of {folder}"

    def table(self, name):
        return f"frame of {name}"


NullType = type("NullType", (), {})


@pytest.fixture
def make(tmp_path):
    """A function that makes the tables of a run. said: the SQL that was run."""

    def tables(profile=None, catalog=None, conf=None, platform=Platform.SERVERLESS):
        said = []
        spark = SimpleNamespace(read=Reader(), conf=conf or {}, sql=said.append)
        lakehouse = SimpleNamespace(
            catalog=catalog, address=lambda name: f"{catalog}.acme_{name}" if catalog else None
        )
        lake = SimpleNamespace(
            run=SimpleNamespace(run_id="a1"),
            path=lambda name: str(tmp_path / name),
            profile=profile or {},
            platform=platform,
            spark=spark,
            settings=SimpleNamespace(lakehouse=lakehouse),
        )
        return TemporaryTables(lake), said

    return tables


def test_a_table_of_a_folder_is_deleted_alone_or_with_all_others(make, tmp_path):
    tables, _ = make()
    frames = [tables.store(Frame(int)) for _ in range(3)]
    folder = tmp_path / "temporary_a1"
    assert frames[0] == f"frame of {folder}/run_a1_1"
    tables.discard(frames[0])
    assert sorted(p.name for p in folder.iterdir()) == ["run_a1_2", "run_a1_3"]
    tables.close()
    assert list(tmp_path.iterdir()) == []


def test_a_table_of_a_catalog_is_dropped(make, tmp_path):
    tables, said = make(catalog="main")
    frame = Frame(int)
    assert tables.store(frame) == "frame of main.acme_temporary.run_a1_1"
    tables.close()
    assert said == [
        "CREATE SCHEMA IF NOT EXISTS main.acme_temporary",
        "DROP TABLE IF EXISTS main.acme_temporary.run_a1_1",
    ]
    assert frame.written_with == {
        "format": "delta",
        "delta.columnMapping.mode": "name",
        "table": "main.acme_temporary.run_a1_1",
    }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("types, cast", [([int, NullType], ["c1"]), ([int], [])])
def test_a_column_without_a_type_is_stored_as_text(make, types, cast):
    frame = Frame(*[t() for t in types])
    make()[0].store(frame)
    assert frame.cast_to_string == cast


KEY = "spark.holdfast.scratch"


@pytest.mark.parametrize(
    "profile, conf, platform, expected",
    [
        ({}, {}, Platform.CLASSIC, "{root}/temporary_a1"),
        ({KEY: "s3a://b/tmp/"}, {KEY: "s3a://c"}, Platform.CLASSIC, "s3a://b/tmp/temporary_a1"),
        ({}, {KEY: "s3a://c"}, Platform.CONNECT, "s3a://c/temporary_a1"),
        # Serverless compute refuses to tell a setting that it does not know.
        ({}, None, Platform.SERVERLESS, "{root}/temporary_a1"),
    ],
)
def test_the_folder_of_a_run(make, tmp_path, profile, conf, platform, expected):
    tables, _ = make(profile=profile, conf=conf, platform=platform)
    assert tables.folder == expected.format(root=tmp_path)


def test_the_files_of_a_run_are_deleted_and_nothing_else(make, tmp_path):
    tables, _ = make()
    (Path(tables.folder) / "forest-1").mkdir(parents=True)
    (tmp_path / "temporary_b2").mkdir()
    tables.close()
    tables.close()
    assert [p.name for p in tmp_path.iterdir()] == ["temporary_b2"]
