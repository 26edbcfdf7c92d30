"""Files that people upload: what is refused, where they are stored, and how a step ends."""

from __future__ import annotations

import datetime as dt
import io
import json
import pickle
import subprocess
import sys
import tracemalloc
import zipfile

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.uploads import runner, steps
from app.uploads.folder import (
    PART,
    Upload,
    delete_old,
    stored,
    upload_of,
    uploads_folder,
    uploads_of,
)
from app.uploads.inspection import RefusedError, in_microseconds, inspect
from app.uploads.steps import DONE, FAILED, LOOK, RUNNING
from runtime.errors import UsageError
from runtime.settings import load

LIMITS = {"most_columns": 1000, "most_rows": 5_000_000, "most_expanded_mb": 600}
NOW = dt.datetime(2024, 6, 8, 12, tzinfo=dt.UTC)
ORDERS = "customer;order;day;amount\n" + "".join(
    f"{n % 7};{n};2024-05-{n % 28 + 1:02};{n}.50\n" for n in range(60)
)


@pytest.fixture
def settings(tmp_path):
    """The demo's settings with its lakehouse and uploads in a temporary folder."""
    return load("demo", lakehouse={"root": str(tmp_path / "lake")})


@pytest.fixture
def upload(settings):
    """An upload of 60 orders by ann."""
    return stored(settings, "ann", "orders.csv", content=io.BytesIO(ORDERS.encode()), now=NOW)


def refusal(tmp_path, content):
    """The sentence with which a file is refused."""
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(RefusedError) as caught:
        inspect(file, LIMITS)
    return str(caught.value)


def workbook(rows):
    """The bytes of a workbook with these rows."""
    book, content = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return content.getvalue()


def parquet(table):
    """The bytes of a Parquet file."""
    content = io.BytesIO()
    pq.write_table(table, content)
    return content.getvalue()


# ---------------------------------------------------------------------- kinds of files


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (ORDERS.encode(), "text"),
        (workbook([["customer", "order"], ["a", 1]]), "excel"),
        (parquet(pa.table({"customer": ["a"]})), "parquet"),
    ],
    ids=["csv", "xlsx", "parquet"],
)
def test_the_kind_of_a_file_follows_from_its_content(content, kind, tmp_path):
    (tmp_path / "file.pdf").write_bytes(content)

    assert inspect(tmp_path / "file.pdf", LIMITS) == kind


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty. Export the orders again."),
        (
            b"\xd0\xcf\x11\xe0old",
            "The file is an Excel file of the format before 2007. Save it as .xlsx or as CSV.",
        ),
        (
            b"\x1f\x8b\x08",
            "The file is compressed. Unpack it and upload the CSV file inside.",
        ),
        (b"%PDF-1.7", "The file is a PDF. Export the orders as CSV, Excel or Parquet."),
        (
            ";".join(f"c{n}" for n in range(10_000)).encode(),
            "The file has 10,000 columns, and at most 1,000 are read. Keep the columns of the orders: customer, order, day, amount and article.",
        ),
        (
            parquet(pa.table({f"c{n}": [1] for n in range(10_000)})),
            "The file has 10,000 columns, and at most 1,000 are read. Keep the columns of the orders: customer, order, day, amount and article.",
        ),
        (
            workbook([[f"c{n}" for n in range(1_001)]]),
            "The file has 1,001 columns, and at most 1,000 are read. Keep the columns of the orders: customer, order, day, amount and article.",
        ),
        (
            b"x" * 1_100_000,
            "The first line of the file is longer than 1 MB, so it does not hold the names of columns. Export the orders as CSV, Excel or Parquet.",
        ),
    ],
    ids=["empty", "xls", "gzip", "pdf", "csv columns", "parquet columns", "xlsx columns", "line"],
)
def test_a_file_that_is_no_export_is_refused(content, sentence, tmp_path):
    assert refusal(tmp_path, content) == sentence


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "")
        with archive.open("xl/worksheets/sheet1.xml", "w") as member:
            for _ in range(700):
                member.write(b"0" * 1024 * 1024)
    assert len(content.getvalue()) < 1_000_000

    assert refusal(tmp_path, content.getvalue()) == (
        "The file holds 700 MB when it is unpacked, and at most 600 MB are read. Upload fewer "
        "years, or save it as CSV."
    )


def test_an_archive_that_is_no_workbook_is_refused(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("../../etc/orders.csv", ORDERS)

    assert refusal(tmp_path, content.getvalue()) == (
        "The file is a zip archive and no Excel workbook. Unpack it and upload the CSV, Excel or "
        "Parquet file inside."
    )


def test_a_parquet_file_with_more_rows_than_are_read_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(parquet(pa.table({"a": [1, 2, 3]})))

    with pytest.raises(RefusedError) as caught:
        inspect(tmp_path / "file", LIMITS | {"most_rows": 2})

    assert str(caught.value) == "The file has 3 rows, and at most 2 are read. Upload fewer years."


def test_times_in_nanoseconds_which_spark_refuses_are_cut(tmp_path):
    moment = 1_717_200_000_123_456_789
    rows = pa.table(
        {
            "day": pa.array([moment, None], pa.timestamp("ns")),
            "zoned": pa.array([moment, None], pa.timestamp("ns", "UTC")),
            "amount": [1.5, 2.5],
        }
    )
    file = tmp_path / "upload.parquet"
    file.write_bytes(parquet(rows))

    in_microseconds(file)

    read = pq.read_table(file)
    assert read.schema.field("day").type == pa.timestamp("us")
    assert read.schema.field("zoned").type == pa.timestamp("us", "UTC")
    assert read["day"].cast(pa.int64()).to_pylist() == [moment // 1000, None]
    assert read["amount"].to_pylist() == [1.5, 2.5]
    assert [f.name for f in tmp_path.iterdir()] == ["upload.parquet"]


class Bomb:
    """Unpickling it writes a file."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return open, (self.file, "w")


def test_pickled_metadata_of_a_parquet_file_is_never_loaded(tmp_path):
    written = tmp_path / "written"
    kind = pickle.dumps(Bomb(str(written)))
    field = pa.field(
        "customer",
        pa.string(),
        metadata={
            "ARROW:extension:name": "arrow.py_extension_type",
            "ARROW:extension:metadata": kind,
        },
    )
    schema = pa.schema([field], metadata={"pandas": kind})
    (tmp_path / "file").write_bytes(parquet(pa.table({"customer": ["a"]}, schema=schema)))

    assert inspect(tmp_path / "file", LIMITS) == "parquet"
    assert not written.exists()
    pickle.loads(kind).close()
    assert written.exists(), "the bomb works where it is loaded"


# ---------------------------------------------------------------------- folders


@pytest.mark.parametrize("title", ["../../evil.csv", "/etc/passwd", "a\x00b\n.csv", "x" * 500])
def test_a_file_name_is_shown_and_never_a_path(title, settings, tmp_path):
    upload = stored(settings, "ann", title, content=io.BytesIO(b"a;b\n"), now=NOW)

    files = {
        f.relative_to(upload.folder).as_posix() for f in upload.folder.rglob("*") if f.is_file()
    }
    assert files == {"files/upload.csv", "upload.json", "conf/defaults.yaml"}
    assert {f.name for f in tmp_path.iterdir()} == {"lake-uploads"}
    assert upload.folder.parent == uploads_folder(settings)
    assert len(upload.facts.title) <= 80
    assert upload.facts.title.isprintable()


def test_a_file_above_the_limit_leaves_nothing_behind(settings):
    limits = settings.app.uploads.model_copy(update={"most_mb": 1})
    small = settings.model_copy(update={"app": settings.app.model_copy(update={"uploads": limits})})

    with pytest.raises(UsageError) as caught:
        stored(small, "ann", "a.csv", content=io.BytesIO(b"0" * 1_100_000), now=NOW)

    assert str(caught.value) == (
        "The file is larger than 1 MB. Upload fewer years, or leave out columns that are not "
        "needed: customer, order, day and amount are enough."
    )
    assert [*uploads_folder(small).iterdir()] == []


class Zeros:
    """A file of zeros that is made as it is read."""

    def __init__(self, size):
        self.left, self.read_bytes = size, 0

    def read(self, count):
        part = b"0" * min(count, self.left)
        self.left -= len(part)
        self.read_bytes += len(part)
        return part


def test_a_file_of_500_mb_is_read_to_the_limit_of_conf_in_little_memory(settings):
    most, content = settings.app.uploads.most_mb, Zeros(500 * PART)
    tracemalloc.start()
    try:
        with pytest.raises(UsageError, match=f"The file is larger than {most} MB"):
            stored(settings, "ann", "a.csv", content=content, now=NOW)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert content.read_bytes == (most + 1) * PART
    assert peak < 10 * PART
    assert [*uploads_folder(settings).iterdir()] == []


def test_an_upload_belongs_to_its_owner(settings, upload):
    assert upload_of(settings, upload.id, "ann") == upload
    assert upload_of(settings, upload.id, "bob") is None
    assert upload_of(settings, f"../{upload.folder.parent.name}/{upload.id}", "ann") is None
    assert uploads_of(settings, "ann") == [upload]
    assert uploads_of(settings, "bob") == []


def test_two_uploads_of_one_file_differ_in_the_list(settings, upload):
    again = stored(settings, "ann", "orders.csv", content=io.BytesIO(b"a;b\n"), now=NOW)

    assert upload.label == f"orders.csv, 06-08 12:00, {upload.id[:4]}"
    assert again.label != upload.label


def test_a_second_upload_waits_for_the_first(settings, upload):
    import fcntl
    import threading

    upload.write("plan.json", {"step": "load", "commands": [], "minutes": 5})
    with (upload.folder.parent / runner.LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        waiting = threading.Thread(target=runner.run, args=(upload,))
        waiting.start()
        waiting.join(1)
        assert steps.state_of(upload).name == "waiting"
    waiting.join(10)

    assert steps.state_of(upload).name == DONE


def test_an_old_upload_is_deleted(settings, upload):
    assert delete_old(settings, NOW + dt.timedelta(days=7)) == 0
    assert delete_old(settings, NOW + dt.timedelta(days=7, seconds=1)) == 1
    assert not upload.folder.exists()


def test_an_object_store_needs_a_folder_for_uploads(settings):
    lakehouse = settings.lakehouse.model_copy(update={"root": "s3a://shop/lake"})

    with pytest.raises(UsageError) as caught:
        uploads_folder(settings.model_copy(update={"lakehouse": lakehouse}))

    assert str(caught.value) == (
        "The lakehouse s3a://shop/lake is in an object store, and uploads need a folder of this "
        "machine. Set app.uploads.folder in conf."
    )


# ---------------------------------------------------------------------- steps


def ran(upload, step, settings):
    """Run a step in this process. Returns its state."""
    plan = {"step": step, "commands": steps.commands(step, upload, settings), "minutes": 5}
    upload.write("plan.json", plan)
    runner.run(upload)
    return steps.state_of(upload)


def test_a_file_is_read_guessed_and_checked_in_its_folder(settings, upload, tmp_path, monkeypatch):
    monkeypatch.setenv("HOLDFAST__CURRENCY", "not read")
    before = {*tmp_path.rglob("*")}

    assert ran(upload, LOOK, settings).name == DONE

    assert upload.guess["roles"] | {} == {
        "customer_id": "customer",
        "order_id": "order",
        "purchased_at": "day",
        "amount": "amount",
    }
    assert any("60 rows in = 60 kept" in line for line in steps.log_of(upload, LOOK))
    assert upload.settings.root.uri == str(upload.root)
    new = {*tmp_path.rglob("*")} - before
    assert all(upload.folder in file.parents for file in new)


def test_a_person_corrects_a_column(settings, upload):
    columns = {"customer_id": "order", "order_id": None}
    upload.write("choice.json", {"columns": columns, "currency": "EUR"})

    assert ran(upload, LOOK, settings).name == FAILED  # check: an order is required
    assert upload.guess["roles"]["customer_id"] == "order"
    assert "order_id" not in upload.guess["roles"]
    assert upload.guess["missing"] == ["order_id"]
    assert upload.settings.currency == "EUR"


def test_a_column_that_cannot_be_what_a_person_says_is_named(settings, upload):
    upload.write("choice.json", {"columns": {"purchased_at": "customer"}})

    assert ran(upload, LOOK, settings).message == (
        "purchased_at=customer: the column holds no dates that are recognised. Choose another one."
    )


def test_a_wrong_file_ends_with_its_sentence(settings):
    upload = stored(settings, "ann", "a.csv", content=io.BytesIO(b"one column\n1\n"), now=NOW)

    assert ran(upload, LOOK, settings).message == (
        "upload.csv has one column only: its first line is 'one column'. An export of orders has a customer, a time and an amount, separated by ; , | or a tab."
    )


def test_a_step_whose_process_has_ended_has_failed(upload):
    ended = {"pid": 1_000_000_000, "process_started": "1"}
    upload.write("state.json", {"step": LOOK, "name": RUNNING, **ended})

    state = steps.state_of(upload)

    assert (state.name, state.message) == (
        FAILED,
        "The app was stopped meanwhile. Start the step again.",
    )


def test_a_command_gets_no_secret_of_the_app(upload, monkeypatch):
    for name in ("ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "HOLDFAST__CURRENCY", "OTHER"):
        monkeypatch.setenv(name, "value")
    (upload.folder / "work").mkdir()

    given = runner.environment(upload.folder / "work")

    assert {"ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "HOLDFAST__CURRENCY"}.isdisjoint(given)
    assert given["OTHER"] == "value"
    assert given["TMPDIR"] == str(upload.folder / "work" / "tmp")


def test_a_file_that_needs_too_much_memory_is_stopped(upload):
    greedy = [sys.executable, "-c", "len([bytearray(10**8) for _ in range(20)])"]

    with pytest.raises(runner.StepError) as caught:
        runner.run_command(upload, LOOK, greedy, until=float("inf"))

    assert str(caught.value) == (
        "The file needs more memory or time than reading an upload may take. Upload fewer years, "
        "or save it as CSV."
    )


def test_a_run_that_takes_too_long_is_stopped(upload):
    with pytest.raises(runner.StepError) as caught:
        runner.run_command(
            upload, "train", [sys.executable, "-c", "import time; time.sleep(60)"], until=0.0
        )

    assert str(caught.value).startswith("The run took longer than app.uploads.most_minutes")


def test_an_unexpected_error_shows_no_value_of_the_file(upload):
    code = "raise ValueError('Anna Huber')"

    with pytest.raises(runner.StepError) as caught:
        runner.run_command(upload, "train", [sys.executable, "-c", code], until=float("inf"))

    assert str(caught.value) == "The command ended with an unexpected error (ValueError)."


def test_the_present_model_is_copied_and_not_shared(tmp_path):
    import sqlite3

    source, target = tmp_path / "lake", tmp_path / "upload"
    (source / "mlartifacts" / "1").mkdir(parents=True)
    (source / "mlartifacts" / "1" / "portable.json").write_text("{}")
    with sqlite3.connect(source / "mlflow.db") as store:
        store.execute("CREATE TABLE registered_model_aliases (alias text, name text)")
        store.execute("INSERT INTO registered_model_aliases VALUES ('champion', 'churn')")

    settings = load("demo", lakehouse={"root": str(source)})
    assert steps.has_champion(settings)
    assert not steps.has_champion(load("demo", lakehouse={"root": str(tmp_path / "none")}))
    steps.copy_models(source, target)

    assert steps.has_champion(load("demo", lakehouse={"root": str(target)}))
    assert (target / "mlartifacts" / "1" / "portable.json").read_text() == "{}"


def test_a_refused_file_ends_the_inspection_with_a_sentence(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"")
    command = [sys.executable, "-m", "app.uploads.inspection", str(file), json.dumps(LIMITS)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, "The file is empty. Export the orders again.\n")


def test_a_folder_without_an_upload_has_no_state(tmp_path):
    assert steps.state_of(Upload(tmp_path)) is None
