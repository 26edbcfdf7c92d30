"""Documents agree with the code: generated ones are current, examples run, links are valid."""

from __future__ import annotations

import datetime as dt
import importlib
import re
import textwrap
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import typer
import yaml
from deltalake import DeltaTable, write_deltalake

from contracts import catalog
from contracts.gold_views import VIEWS
from contracts.rules import in_range
from contracts.table import Column, Table
from docs import generate
from pipelines.ingestion.source_checks import check_sources
from runtime import settings as settings_module
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.views import duckdb_views, has_latest

ROOT = Path(__file__).resolve().parents[2]
JOBS = sorted(p.stem for p in (ROOT / "jobs").glob("*.py") if p.name != "__init__.py")
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
MOST_README_LINES = 150


GENERATED = generate.documents()


@pytest.mark.parametrize("path", GENERATED)
def test_a_generated_document_is_current(path):
    assert (ROOT / path).read_text() == GENERATED[path], (
        "run `python docs/generate.py`, and read what changed"
    )


def test_one_table_in_the_dictionary():
    table = Table(
        name="gold.visits",
        row="One visit.",
        key=("as_of", "visitor"),
        slice_by="as_of",
        columns=(
            Column("as_of", "date", "Day", False),
            Column("visitor", "string", "Who | what", personal=True),
        ),
        rules=(in_range("pages", 1).as_warning(),),
        references=(("visitor", "silver.customers", "customer_id"),),
        event_time="as_of",
    )

    text = generate.data_dictionary([table])

    start = text.index("### gold.visits")
    assert text[start : text.index("## Other reasons")].splitlines() == [
        "### gold.visits",
        "",
        "One visit.",
        "",
        "- Key: `as_of`, `visitor`",
        "- Written by: replacing all rows of one `as_of`",
        "- Event time: `as_of`",
        "- `visitor` refers to `silver.customers.customer_id`; ingest warns about missing values",
        "- Personal data (no column statistics): `visitor`",
        "- View of the latest as_of: `gold.visits_latest`",
        "",
        "| column | type | null | personal | meaning |",
        "| --- | --- | --- | --- | --- |",
        "| `as_of` | date | no |  | Day |",
        "| `visitor` | string | yes | yes | Who \\| what |",
        "",
        "| rule | severity | meaning |",
        "| --- | --- | --- |",
        "| `pages_in_range` | warn | pages >= 1 |",
        "",
    ]


def test_check_names_a_stale_document_and_writes_nothing(tmp_path, capsys):
    assert generate.main([], tmp_path) == 0
    assert generate.main(["--check"], tmp_path) == 0
    stale = tmp_path / "docs" / "latest_views.sql"
    stale.write_text("SELECT 1;\n")
    capsys.readouterr()

    assert generate.main(["--check"], tmp_path) == 1

    said = "docs/latest_views.sql: differs; run `python docs/generate.py`\n"
    assert capsys.readouterr().out == said
    assert stale.read_text() == "SELECT 1;\n"


def test_the_latest_views_give_the_rows_of_the_greatest_as_of_in_duckdb(tmp_path):
    connection = duckdb.connect()
    tables = [t for t in catalog.tables().values() if has_latest(t)]
    for table in tables:
        # One row of the older day and two of the newer one.
        days = [dt.date(2018, 1, 1), dt.date(2017, 12, 2), dt.date(2018, 1, 1)]
        write_deltalake(tmp_path / table.name, some_rows(table, days))
        dataset = DeltaTable(tmp_path / table.name).to_pyarrow_dataset()
        connection.register(table.name.replace(".", "_"), dataset)

    connection.execute((ROOT / "docs" / "latest_views.sql").read_text())

    for table in tables:
        view = f"{table.name.replace('.', '_')}_latest"
        counts = connection.execute(f"SELECT as_of, count(*) FROM {view} GROUP BY as_of").fetchall()
        assert counts == [(dt.date(2018, 1, 1), 2)], view


def test_the_view_of_overdue_customers_has_them_alone(tmp_path):
    scores = catalog.tables()["gold.customer_scores"]
    days = [dt.date(2018, 1, 1), dt.date(2017, 12, 2), *[dt.date(2018, 1, 1)] * 2]
    rows = some_rows(scores, days)
    # Overdue; overdue at an earlier date; not overdue; unknown.
    overdue = pa.array([3, 5, 0, None], pa.int64())
    rows = rows.set_column(rows.schema.get_field_index("days_overdue"), "days_overdue", overdue)
    connection = duckdb.connect()
    connection.register("gold_customer_scores", rows)

    connection.execute(duckdb_views(VIEWS[:1]))

    view = connection.execute("SELECT * FROM gold_overdue_customers")
    assert tuple(column[0] for column in view.description) == VIEWS[0].columns
    assert [row[2] for row in view.fetchall()] == [3]


def test_the_example_with_duckdb_reads_the_newest_scores(tmp_path, monkeypatch):
    for table in (t for t in catalog.tables().values() if t.layer == "gold"):
        folder = tmp_path / "lakehouse" / "gold" / table.short_name
        folder.mkdir(parents=True)
        write_deltalake(folder, some_rows(table, [dt.date(2018, 1, 1), dt.date(2017, 12, 2)]))
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs" / "deploy.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (example,) = [block for block in blocks if "import duckdb" in block]
    names: dict = {}

    exec(textwrap.dedent(example), names)

    assert [f"{day:%Y-%m-%d}" for day in names["scores"]["as_of"]] == ["2018-01-01"]


def some_rows(table: Table, days: list[dt.date]) -> pa.Table:
    """One row per day. All other columns have the same value in every row."""
    values = {"string": "a", "date": dt.date(2017, 1, 1), "boolean": True}
    columns = [
        days if c.name == "as_of" else [values.get(c.type, 1)] * len(days) for c in table.columns
    ]
    return pa.table(columns, schema=arrow_schema(table))


def test_every_relative_link_points_to_a_file_and_a_heading():
    dead = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                dead.append(f"{page.relative_to(ROOT)}: {target}")

    assert dead == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    texts = (head.replace("&lt;", "").replace("&gt;", "").lower() for head in heads)
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


def yaml_blocks(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


RECEIPTS = {
    "table": "transactions",
    "format": "csv",
    "path": "/data/receipts/",
    "key": ["order_id"],
    "mapping": {"customer_id": "c", "order_id": "r", "purchased_at": "day", "amount": "paid"},
}


@pytest.mark.parametrize(
    "page",
    ["README.md", "docs/own_data.md", "docs/sources.md", "docs/survey.md", "docs/deploy.md"],
)
def test_every_yaml_example_is_a_valid_configuration(page, tmp_path):
    examples = [yaml.safe_load(block) for block in yaml_blocks(page)]
    assert examples
    try:
        for number, example in enumerate(examples):
            sources = example.setdefault("sources", {})
            if "transactions" not in [s["table"] for s in sources.values()]:
                sources["receipts"] = RECEIPTS  # the page shows other parts of a configuration
            (tmp_path / f"example{number}.yaml").write_text(yaml.safe_dump(example))
            settings_module.use_conf_dir(str(tmp_path))
            check_sources(settings_module.load(f"example{number}"))
    finally:
        settings_module.use_conf_dir(None)


@pytest.mark.parametrize("job", JOBS)
def test_the_readme_names_every_job_and_the_commands_page_every_option(job):
    command = importlib.import_module(f"jobs.{job}").command
    app = typer.Typer(add_completion=False)
    app.command()(command)
    parameters = typer.main.get_command(app).params
    options = {p.opts[0] for p in parameters if p.param_type_name == "option"}
    readme = (ROOT / "README.md").read_text()
    page = (ROOT / "docs" / "commands.md").read_text()
    shared, _, by_job = page.partition("## What each command does")
    (about,) = re.findall(rf"^\*\*{job}\*\* .*?(?=^\*\*|^#)", by_job, re.MULTILINE | re.DOTALL)

    assert re.findall(rf"^\| `{job}` \|", readme, re.MULTILINE)
    assert options <= set(re.findall(r"`(--[a-z-]+)", shared + about))


def test_the_readme_is_short_and_has_the_two_commands():
    readme = (ROOT / "README.md").read_text()

    assert "make demo" in readme and "make test" in readme
    assert len(readme.splitlines()) < MOST_README_LINES


def test_the_changelog_begins_with_what_is_unreleased_and_the_version_of_the_package():
    """A release gives the section of Unreleased the version of setup.py and its date."""
    version = re.search(r'version="(.+)"', (ROOT / "setup.py").read_text())[1]
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert heads[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", heads[1])


def test_contributing_names_folders_and_make_targets_that_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"make ([a-z-]+)", text)) <= targets
    paths = [path for path in re.findall(r"`([\w./-]+/[\w./-]*)`", text) if "<" not in path]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_pre_commit_runs_the_lint_of_ci():
    """Local hooks only: nothing is downloaded, and the versions are those of the lock."""
    (repo,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repo["repo"] == "local"
    commands = " ; ".join(hook["entry"] for hook in repo["hooks"])
    makefile = (ROOT / "Makefile").read_text()
    recipes = re.findall(r"^(?:lint|types):.*?\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    tools = set(re.findall(r"-m (\w+)|(lint_imports_command)\(\)", "".join(recipes)))
    assert {"".join(tool) for tool in tools} <= set(re.findall(r"\w+", commands))
