"""A lake in memory, for tests of pipelines without files."""

from __future__ import annotations


class MemoryLake:
    """Tables in memory. A table that was not given is empty. Keeps the writes."""

    engine, planned = "duckdb", {}

    def __init__(self, make_frame, tables):
        self.frames = {name: make_frame(name, rows) for name, rows in tables.items()}
        self.make_frame, self.writes = make_frame, []

    def exists(self, name):
        return name in self.frames

    def read(self, table):
        if table.name not in self.frames:
            self.frames[table.name] = self.make_frame(table.name, [])
        return self.frames[table.name]

    def keep(self, kept):
        return kept

    def forget(self):
        pass

    def commit(self, writes):
        self.writes += writes
        return []
