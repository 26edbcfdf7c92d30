"""Rules on code: no clock and no collect in pure packages, no unused setting, short jobs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

from tests.architecture.packages import CODE as PACKAGES, nodes

ROOT = Path(__file__).parents[2]
PURE = ("contracts", "udfs", "transforms", "simulator")

# Methods that bring data to the driver or the screen, and functions of the clock or of randomness.
TO_DRIVER = {"show", "collect", "toPandas", "toLocalIterator", "take", "head", "printSchema"}
CLOCK_AND_RANDOM = {"current_date", "current_timestamp", "now", "rand", "randn", "uuid", "today"}
CLOCK_AND_RANDOM |= {"utcnow", "localtimestamp", "monotonically_increasing_id", "shuffle"}
IN_SQL = re.compile(r"\b(current_date|current_timestamp|now|rand|randn|uuid)\b\s*\(", re.IGNORECASE)

LONGEST_FILE = 300
# file: reason
LONGER = {
    "contracts/silver.py": "a list of declarations, not code",
}


def files(*packages):
    return sorted(p for package in packages for p in (ROOT / package).rglob("*.py"))


def named(path):
    return path.relative_to(ROOT).as_posix()


def called(tree_nodes):
    """(name, call) of every call, f(...) or x.f(...)."""
    for node in tree_nodes:
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            if name:
                yield name, node


def texts(path):
    """Text constants without docstrings."""
    bare = {
        id(node.value)
        for node in nodes(path)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in bare:
            yield node.value


@pytest.mark.parametrize("path", files(*PURE), ids=named)
def test_no_clock_no_randomness_and_no_data_to_the_driver(path):
    names = {name for name, _ in called(nodes(path))}
    assert names & {"print", *TO_DRIVER, *CLOCK_AND_RANDOM} == set()
    assert [text for text in texts(path) if IN_SQL.search(text)] == []


@pytest.mark.parametrize("path", files("transforms"), ids=named)
def test_joins_say_how(path):
    for name, call in called(nodes(path)):
        is_of_frames = name == "join" and (len(call.args) > 1 or call.keywords)
        if is_of_frames:
            assert "how" in {k.arg for k in call.keywords}, ast.unparse(call)


@pytest.mark.parametrize("path", files("transforms"), ids=named)
def test_a_fan_out_is_not_hidden_by_dropping_duplicates(path):
    names = {name for name, _ in called(nodes(path))}
    assert names & {"dropDuplicates", "drop_duplicates"} == set()


def test_no_module_is_a_collection_of_helpers():
    refused = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert [named(p) for p in files(*PACKAGES) if p.name in refused] == []


def test_files_are_short_enough_to_read():
    long = {named(p) for p in files(*PACKAGES) if len(p.read_text().splitlines()) > LONGEST_FILE}
    assert long - set(LONGER) == set()


def test_delta_transactions_are_not_set_for_a_whole_session():
    """With such an option of the session, Delta would skip the next table's write as a repetition."""
    for path in files(*PACKAGES):
        for name, call in called(nodes(path)):
            if name == "set":
                assert "txn" not in ast.unparse(call).lower(), named(path)


# ---------------------------------------------------------------------- conf


def words_of(*paths):
    """All attributes and all words in texts: code reads a setting by one of these."""
    words = set()
    for path in paths:
        words |= {node.attr for node in nodes(path) if isinstance(node, ast.Attribute)}
        words |= {word for text in texts(path) for word in re.findall(r"\w+", text)}
    return words


def leaves(values, above=()):
    """Paths of the settings. A list is a leaf, and so is a dictionary with freely chosen keys."""
    for key, value in values.items():
        path = (*above, key)
        is_free = path in {("sources",), ("engagement", "weights"), ("segments", "groups")}
        is_free |= path == ("decisions", "factors")
        is_free |= path in {("messages", "tones"), ("messages", "templates")}
        is_free |= path[:2] in {("risk", "schemes"), ("rfm", "priority_weights")}
        is_free |= path[:2] == ("training", "reasons") and path[2:] in {
            ("ticket_categories",),
            ("parameters",),
        }
        # Parameters of learners, and names that conf chooses.
        is_free |= path == ("lifetime", "survival", "trees", "parameters")
        is_free |= path[:2] in {
            ("training", name) for name in ("starts", "spaces", "searches", "feature_families")
        }
        if isinstance(value, dict) and not is_free:
            yield from leaves(value, path)
        else:
            yield path


def test_every_setting_is_read_by_code():
    code = [p for p in files(*PACKAGES) if named(p) != "runtime/settings/environment.py"]
    read = words_of(*code)
    defaults = yaml.safe_load((ROOT / "conf" / "defaults.yaml").read_text())
    unread = [".".join(path) for path in leaves(defaults) if not set(path) <= read]
    # Settings turns this into `spark_profile_values`, which code reads.
    assert set(unread) <= {"spark_profile"}


# ---------------------------------------------------------------------- jobs

LONGEST_JOB, USUAL_JOB = 80, 60


def jobs():
    """The commands: every module of jobs/."""
    return [p for p in sorted((ROOT / "jobs").glob("*.py")) if p.name != "__init__.py"]


def called_from(job, package):
    """The modules of a package that a command imports."""
    modules = {n.module for n in nodes(job) if isinstance(n, ast.ImportFrom)}
    return {m for m in modules if m.startswith(f"{package}.")}


def pipeline_jobs():
    """The commands that run a pipeline: all but those of the prediction service."""
    return [job for job in jobs() if not called_from(job, "service")]


def pipeline_of(job):
    """The module of pipelines/ that a command runs."""
    (name,) = called_from(job, "pipelines")
    return ROOT / Path(*name.split(".")).with_suffix(".py")


def test_the_commands_are_those_of_the_readme():
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert sorted(table) == [p.stem for p in jobs()]


@pytest.mark.parametrize("path", jobs(), ids=named)
def test_a_job_is_a_short_command(path):
    text = path.read_text()
    functions = {n.name: n for n in nodes(path) if isinstance(n, ast.FunctionDef)}
    assert ast.get_docstring(functions["command"]), "--help shows this docstring"
    assert list(functions) == ["command"]
    assert "main = application(command)" in text
    assert len(text.splitlines()) < USUAL_JOB
    assert "pyspark.sql" not in text and "F." not in text


@pytest.mark.parametrize("path", sorted(set(jobs()) - set(pipeline_jobs())), ids=named)
def test_a_job_of_the_service_calls_one_of_its_modules(path):
    assert len(called_from(path, "service")) == 1
    assert called_from(path, "pipelines") == set()


@pytest.mark.parametrize("path", pipeline_jobs(), ids=named)
def test_a_job_calls_one_pipeline_that_others_can_run(path):
    functions = {n.name: n for n in nodes(pipeline_of(path)) if isinstance(n, ast.FunctionDef)}
    arguments = functions["run"].args
    # `init` has no lakehouse, so no context.
    assert [a.arg for a in arguments.args] in (["context"], ["context", "options"], ["options"])


# A failed commit restores all of its tables. These pipelines do not have exactly one commit.
COMMITS = {
    "stream_events": (0, "each micro-batch writes tables that a repetition makes equal"),
    "simulate_events": (0, "files or messages of a source"),
    "write_messages": (1, "paid texts of the pool are stored first, part by part"),
    "deliver_outbox": (2, "approved messages are queued before any contact is sent"),
    "run_pipeline": (0, "its steps write"),
    "init": (0, "a file of conf"),
    "fetch_sources": (0, "files of sources; page and position are committed together"),
    "check": (0, "it only reads"),
    "roll_back": (0, "an alias in the registry"),
    "train_fraud": (0, "a model and its aliases in the registry"),
    "deploy_model": (0, "an alias in the registry"),
    "maintain": (0, "no row changes, except that old dates are deleted"),
    "erase_customer": (0, "the list of erased customers first, the certificates last"),
    "simulate": (2, "the approval of texts, and later the bookings of a plan"),
}


@pytest.mark.parametrize("path", pipeline_jobs(), ids=named)
def test_a_job_that_fails_leaves_every_table_as_it_was(path):
    """A pipeline writes all its tables in one commit, which restores them after a failure."""
    commits = [
        call
        for name, call in called(nodes(pipeline_of(path)))
        if name == "commit" or (name == "write" and "context" in ast.unparse(call.func))
    ]
    assert len(commits) == COMMITS.get(path.stem, (1, ""))[0]


def test_every_public_function_of_transforms_has_a_docstring_and_a_return_type():
    """The docstring states the grain, on which the tests of transforms rely."""
    bare = [
        f"{named(path)}: {node.name}"
        for path in files("transforms")
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith("_")
        and node.col_offset == 0
        and not (ast.get_docstring(node) and node.returns)
    ]
    assert bare == []


def test_no_window_grows_towards_the_end_of_its_partition():
    """Spark computes a frame up to the end of the partition again for each row: quadratic time."""
    frame = re.compile(
        r"(?:rows|range)Between\(\s*(?!Window\.unboundedPreceding)[^)]*unboundedFollowing"
    )
    growing = [named(p) for p in files("transforms") if frame.search(p.read_text(encoding="utf-8"))]
    assert growing == []


# Modules that read or write a lakehouse or the files of a source.
OF_LAKEHOUSE = (
    *("runtime/lakehouse", "pipelines/ingestion", "pipelines/maintenance", "pipelines/outreach"),
    *("pipelines/reporting", "pipelines/simulation"),
)
# file: reason
LOCAL_ONLY = {
    "runtime/lakehouse/lease_files.py": "the lease files of a folder",
    "runtime/lakehouse/lease_holder.py": "facts of this machine and its processes in /proc",
    "runtime/lakehouse/platform.py": "without a JVM a temporary folder is a local one",
    "pipelines/ingestion/conf_guess.py": "`init` reads an export on this machine",
    "pipelines/ingestion/converted_files.py": "`init` writes its copies beside the export",
    "pipelines/ingestion/file_streams.py": "the end of a name",
}


def test_files_of_a_lakehouse_are_no_paths_of_this_machine():
    """A root may be a URI: runtime/files.py reads and writes both."""
    modules = {"pathlib", "shutil", "glob"}
    local = set()
    for path in files(*OF_LAKEHOUSE):
        for node in nodes(path):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if modules.intersection(names):
                local.add(named(path))
    assert local <= set(LOCAL_ONLY)
