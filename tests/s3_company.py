"""python -m tests.s3_company FOLDER URL: the small company with its lake and its files in a bucket.

It runs in a process of its own, with the keys of the store in its environment: Spark reads them when its
session starts. What the commands did is in FOLDER/noted.json.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

BUCKET, ENV, LOST = "shop", "store", "lost"
ROOT = f"s3a://{BUCKET}/lake"
NOTED = "noted.json"


def main(folder: Path, url: str) -> None:
    """Build the company, then try what must be refused."""
    from runtime import settings
    from runtime.files import Location
    from runtime.lakehouse.session import spark_session
    from tests.s3_server import S3Server
    from tests.wiring import company_files, small_company

    server = S3Server(url)
    server.make_bucket(BUCKET)
    small_company.write_conf(folder)
    write_conf(folder)
    company = company_files.Company()
    company_files.write_history(company, folder / "files")
    for file in sorted(f for f in (folder / "files").rglob("*") if f.is_file()):
        inside = file.relative_to(folder / "files").as_posix()
        (Location.of(f"s3a://{BUCKET}/files") / inside).write(file.read_bytes())
    settings.use_conf_dir(str(folder / "conf"))
    spark = spark_session(settings.load(ENV), "tests")
    made = small_company.SmallCompany(folder, {}, {})
    with small_company.interpreted():
        pipeline(made)
    noted = {**made.noted, "seconds": made.seconds, "refused": refusals(server, spark, folder)}
    (folder / NOTED).write_text(json.dumps(noted))


def pipeline(made: Any) -> None:
    """Every kind of file and table of a lake: ingest to plan, contacts, report, maintenance."""
    from jobs import (
        build_features,
        deliver_outbox,
        deploy_model,
        fit_lifetime,
        ingest,
        maintain,
        plan_retention,
        score_customers,
        train_churn,
        trigger_engagement,
        validate_model,
    )
    from tests.wiring import company_files as files
    from tests.wiring.company_files import CAMPAIGN_1, CAMPAIGN_2
    from tests.wiring.small_company import CAMPAIGN_3, PLAN_1, report, step

    step(made, ingest.command, env=ENV, known_at=files.HISTORY_KNOWN)
    days = [CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, PLAN_1]
    step(made, build_features.command, env=ENV, as_of=[day.isoformat() for day in days])
    step(made, train_churn.command, env=ENV, as_of=PLAN_1)
    step(made, validate_model.command, env=ENV, as_of=PLAN_1)
    step(made, deploy_model.command, env=ENV)
    step(made, fit_lifetime.command, env=ENV, as_of=PLAN_1)
    step(made, score_customers.command, env=ENV, as_of=CAMPAIGN_3)
    step(made, score_customers.command, env=ENV, as_of=PLAN_1)
    step(made, plan_retention.command, env=ENV, as_of=PLAN_1)
    step(made, trigger_engagement.command, env=ENV, as_of=PLAN_1)
    step(made, deliver_outbox.command, env=ENV, as_of=PLAN_1)
    step(made, report, env=ENV, as_of=PLAN_1)
    made.noted["before"] = objects()
    step(made, report, env=ENV, as_of=PLAN_1)
    step(made, ingest.command, env=ENV, known_at="2024-08-01T03:00:00")
    made.noted["again"] = objects()
    step(made, maintain.command, env=ENV)


def objects() -> list[str]:
    """Every object of the lake."""
    from runtime.files import Location

    return [str(f) for f in Location.of(ROOT).files(is_recursive=True)]


def refusals(server: Any, spark: Any, folder: Path) -> dict[str, tuple[str, float]]:
    """What is said of a store that cannot be used, and the seconds until then."""
    from jobs import ingest
    from runtime.errors import StoreError
    from runtime.files import Location
    from runtime.lakehouse.session_store import check_session

    def checked(root: str) -> Callable[[], None]:
        def check() -> None:
            try:
                check_session(spark, Location.of(root))
            except StoreError as error:
                print(error, file=sys.stderr)

        return check

    def ingested() -> None:
        ingest.command(env=LOST, conf_dir=str(folder / "conf"))

    said = {
        "no bucket": timed(checked("s3a://no-such-shop/lake")),
        "no JARs": timed(checked("gs://shop/lake")),
        "no answer": timed(checked("s3a://deaf/lake")),
        "no source": timed(ingested),
    }
    before = objects()
    server.refuse_keys()
    try:
        said["wrong key"] = timed(checked(f"s3a://{BUCKET}/lake2"))
        said["wrong key of a command"] = timed(ingested)
    finally:
        server.accept_keys()
    assert objects() == before
    return said


def timed(function: Callable[[], None]) -> tuple[str, float]:
    """What a function says on standard error, and the seconds it takes."""
    heard, began = io.StringIO(), time.monotonic()
    with contextlib.redirect_stderr(heard), contextlib.suppress(SystemExit):
        function()
    return heard.getvalue(), time.monotonic() - began


def write_conf(folder: Path) -> None:
    """store.yaml: the second environment of the small company in a bucket. lost.yaml: without files."""
    conf = yaml.safe_load((folder / "conf" / "second.yaml").read_text())
    conf["lakehouse"] = {"root": ROOT}
    conf["mlflow"] = {"tracking_uri": f"sqlite:///{folder / 'mlflow.db'}"}
    conf["spark_profile"] = "local+s3a+deaf"
    for name, source in conf["sources"].items():
        source["path"] = f"s3a://{BUCKET}/files/{name}"
    (folder / "conf" / f"{ENV}.yaml").write_text(yaml.safe_dump(conf, sort_keys=False))
    for source in conf["sources"].values():
        source["path"] = "s3a://no-such-shop/files"
    (folder / "conf" / f"{LOST}.yaml").write_text(yaml.safe_dump(conf, sort_keys=False))
    # One bucket is on a server that is not there.
    (folder / "conf" / "spark").mkdir()
    deaf = {"spark.hadoop.fs.s3a.bucket.deaf.endpoint": "http://127.0.0.1:1"}
    (folder / "conf" / "spark" / "deaf.yaml").write_text(yaml.safe_dump(deaf))


if __name__ == "__main__":
    os.environ["HOLDFAST_ENGINE"] = "spark"
    main(Path(sys.argv[1]), sys.argv[2])
