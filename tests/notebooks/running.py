"""Run a notebook in Databricks source format without Databricks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.py"))
HEADER = "# Databricks notebook source\n"
# Magic cells that are not run: text, and the installation of the package.
NOT_RUN = ("md", "pip")


class NotebookExit(Exception):
    """Raised by dbutils.notebook.exit, to skip the following cells."""

    def __init__(self, message: str, displayed: list) -> None:
        super().__init__(message)
        self.displayed = displayed


def notebook(name: str) -> Path:
    return next(path for path in NOTEBOOKS if path.stem == name)


def cells(path: Path) -> list[str]:
    text = path.read_text()
    assert text.startswith(HEADER), f"{path.name}: its first line must be {HEADER!r}"
    return [c.strip("\n") for c in text.removeprefix(HEADER).split("# COMMAND ----------\n")]


def magic(cell: str) -> tuple[str, str]:
    """("sql", text) for a cell `# MAGIC %sql ...`; ("python", cell) for a Python cell."""
    lines = cell.splitlines()
    if not lines[0].startswith("# MAGIC %"):
        return "python", cell
    assert all(line.startswith("# MAGIC") for line in lines), (
        f"a cell mixes magic and Python:\n{cell}"
    )
    text = "\n".join(line.removeprefix("# MAGIC").removeprefix(" ") for line in lines)
    head, _, body = text[1:].partition("\n")
    return head.split()[0], body


def run(path: Path, spark, **widgets: str) -> list:
    """Run the notebook and return what it displays: frames as pandas, other objects unchanged."""
    displayed: list = []
    values: dict[str, str] = {}

    def display(thing: object) -> None:
        displayed.append(thing.toPandas() if hasattr(thing, "toPandas") else thing)

    def text(name: str, default: str, label: str) -> None:
        values[name] = widgets.get(name, default)

    def dropdown(name: str, default: str, choices: list[str], label: str) -> None:
        values[name] = widgets.get(name, default)
        # Databricks refuses a value that is not among the choices.
        assert values[name] in choices

    def leave(message: str) -> None:
        raise NotebookExit(message, displayed)

    dbutils = SimpleNamespace(
        widgets=SimpleNamespace(text=text, dropdown=dropdown, get=values.__getitem__),
        notebook=SimpleNamespace(exit=leave),
    )
    # One namespace for all cells, as on Databricks.
    names = {"spark": spark, "dbutils": dbutils, "display": display, "__name__": "__main__"}
    names["displayHTML"] = displayed.append
    for number, cell in enumerate(cells(path)):
        kind, body = magic(cell)
        if kind == "sql":
            display(spark.sql(body))
        elif kind == "python":
            exec(compile(body, f"{path.name}, cell {number}", "exec"), names)
        else:
            assert kind in NOT_RUN, f"{path.name}: no test for %{kind}"
    return displayed


def frames(displayed: list) -> list[pd.DataFrame]:
    return [d for d in displayed if isinstance(d, pd.DataFrame)]


def charts(displayed: list) -> list[str]:
    """Charts of the report, as HTML."""
    return [d for d in displayed if isinstance(d, str)]


def find(displayed: list, column: str) -> pd.DataFrame:
    """The only displayed frame with this column."""
    (frame,) = (frame for frame in frames(displayed) if column in frame)
    return frame
