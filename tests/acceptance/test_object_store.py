"""The small company's lake and files in a bucket of a local S3 server, with Spark by s3a://."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from deltalake import DeltaTable

from runtime.file_systems import delta_options
from runtime.files import Location
from tests.s3_company import NOTED, ROOT
from tests.s3_server import s3_server
from tests.wiring import secret_values

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1_800)]

OUTPUT = "output.txt"
STEPS = ["ingest", "build_features", "train_churn", "fit_lifetime", "plan_retention", "maintain"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the build. The server runs until the last test."""
    folder = tmp_path_factory.mktemp("company")
    with s3_server(folder / "server.log") as server:
        variables = {"HOLDFAST_SURVEY_KEY": secret_values.VARIABLES["HOLDFAST_SURVEY_KEY"]}
        with (folder / OUTPUT).open("wb") as out:
            done = subprocess.run(
                [sys.executable, "-m", "tests.s3_company", folder, server.url],
                cwd=folder,
                env={**os.environ, **variables},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        assert done.returncode == 0, (folder / OUTPUT).read_text()[-4000:]
        yield folder


@pytest.fixture(scope="module")
def noted(folder):
    return json.loads((folder / NOTED).read_text())


def rows(name):
    place = f"{ROOT}/{name.replace('.', '/')}"
    return DeltaTable(place, storage_options=delta_options(place)).to_pyarrow_table().to_pylist()


def test_every_line_of_the_files_is_in_one_table(folder):
    lines = [
        line
        for file in (folder / "files" / "receipts").glob("*.csv")
        for line in file.read_text().splitlines()[1:]
    ]
    log = [r for r in rows("bronze.ingest_log") if r["source"] == "receipts"]
    bad = [r for r in rows("silver.quarantine") if r["source"] == "receipts"]
    counts = {n: sum(r[n] for r in log) for n in ("rows_in", "rows_kept", "rows_quarantined")}
    assert counts == {
        "rows_in": len(lines),
        "rows_kept": len(rows("silver.transactions")),
        "rows_quarantined": len(bad),
    }
    assert len(rows("bronze.receipts")) == len(lines) > 1_000


def test_features_scores_plan_and_model_are_in_the_bucket(noted):
    customers = {r["customer_id"] for r in rows("gold.customer_scores")}
    assert len(customers) > 200
    assert "model" in {r["score_basis"] for r in rows("gold.customer_scores")}
    chosen = {r["customer_id"] for r in rows("gold.retention_plan") if r["is_chosen"]}
    assert chosen <= customers and chosen  # the plan also names those who are left out
    assert rows("gold.customer_lifetime")
    steps = {name.split()[1].removeprefix("jobs.") for name in noted["seconds"]}
    assert set(STEPS) <= steps


def test_the_report_and_the_outbox_are_in_the_bucket():
    root = Location.of(ROOT)
    assert b"<html" in (root / "report.html").read()
    plan = (root / "report-contacts.csv").read().decode("utf-8-sig").splitlines()
    assert plan[0].startswith("place") and len(plan) > 2
    of_files = [r for r in rows("gold.outbox") if r["channel"] == "file"]
    sent = {r["contact_id"] for r in rows("gold.outbox_deliveries") if r["status"] == "sent"}
    delivered = {f.name.removesuffix(".json") for f in (root / "outbox").files()}
    assert delivered == sent != set()
    assert sent <= {r["contact_id"] for r in of_files}
    assert (root / "outbox.journal").read() is None


def test_a_second_run_writes_no_object(noted):
    assert noted["again"] == noted["before"]


def test_nothing_of_the_lake_is_on_the_disk(folder):
    assert [
        *folder.glob("*lake*"),
        *folder.rglob("_delta_log"),
        *folder.rglob("report*.html"),
    ] == []


def test_the_secret_key_is_nowhere(folder):
    """Neither in an object, nor in what was printed, nor in MLflow's store."""
    marker = secret_values.AWS["AWS_SECRET_ACCESS_KEY"].encode()
    objects = Location.of(ROOT).files(is_recursive=True)
    assert [str(f) for f in objects if marker in f.read()] == []
    files = [p for p in folder.rglob("*") if p.is_file()]
    assert [p for p in files if marker in p.read_bytes()] == []


REFUSED = (
    "cannot be used: the store refuses the credentials of the environment, or there are none. Set "
    "the variables that docs/platforms.md lists under Object stores, and check what this user may "
    "read and write.\n"
)
NO_BUCKET = "cannot be used: there is no such bucket. Create it, or fix the address.\n"


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("no bucket", f"s3a://no-such-shop/lake: {NO_BUCKET}"),
        (
            "no JARs",
            "gs://shop/lake: cannot be used: Spark has no file system for it on its class path. Add "
            "the JARs that docs/platforms.md names under Object stores: those of s3a with "
            "`bin/setup s3`.\n",
        ),
        (
            "no answer",
            "s3a://deaf/lake: cannot be used: the store does not answer. Check the address, the "
            "network and, for a server of your own, AWS_ENDPOINT_URL.\n",
        ),
        ("no source", f"holdfast ingest: s3a://no-such-shop/files: {NO_BUCKET}"),
        ("wrong key", f"s3a://shop/lake2: {REFUSED}"),
        ("wrong key of a command", f"holdfast ingest: {ROOT}: {REFUSED}"),
    ],
)
def test_a_store_that_cannot_be_used_is_one_sentence_soon(noted, case, sentence):
    said, seconds = noted["refused"][case]
    assert said == sentence
    assert seconds < 60
