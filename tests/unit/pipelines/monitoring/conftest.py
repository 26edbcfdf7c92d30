"""The context of a monitoring run over frames in memory."""

from __future__ import annotations

import datetime as dt

import pytest

from runtime import settings
from runtime.context import Context
from runtime.progress import Progress
from runtime.run_info import RunInfo
from tests.unit.pipelines.memory_lake import MemoryLake
from tests.unit.transforms.conftest import frame, rows_of  # noqa: F401

DAY = dt.date(2018, 3, 1)


class DuckSpark:
    """createDataFrame of a contract's rows, as a Spark session has it."""

    def __init__(self, make_frame):
        self.make_frame = make_frame

    def createDataFrame(self, records, ddl):
        return self.make_frame(ddl, records)


@pytest.fixture
def context(frame, tmp_path):  # noqa: F811
    """A function that makes the context of DAY over tables, with settings changed."""

    def make(tables, **changes):
        conf = settings.load("demo", lakehouse={"root": str(tmp_path)}, **changes)
        made = Context(conf, RunInfo("test"), Progress(), engine="duckdb")
        made.__dict__["lake"] = MemoryLake(frame, tables)
        made.__dict__["spark"] = DuckSpark(frame)
        return made.at(DAY)

    return make
