"""python -m tests.reference.chain FOLDER PROFILE: the small company from ingest to plan on a profile.

PROFILE: a file of conf/spark/; or `forced_serverless`: a local Connect server on which everything that
serverless compute lacks is avoided. With SPARK_REMOTE=sc://HOST:PORT both use that running server. The
lakehouse is FOLDER/lakehouse.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import yaml

FORCED = "forced_serverless"
# As in tests/conftest.py: sums are added in the same order each time.
SMALL = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    "spark.driver.memory": "3g",
}


def main(folder: str, profile: str) -> None:
    """Run the commands in a new folder, and print how long each took."""
    os.environ["HOLDFAST_ENGINE"] = "spark"
    os.environ["HOLDFAST__SPARK_PROFILE"] = profile
    from jobs import plan_retention
    from runtime import settings
    from runtime.lakehouse.session import spark_session
    from tests.wiring import company_files, secret_values, small_company as small

    target = Path(folder).resolve()
    made = small.SmallCompany(target, {}, {})
    small.write_conf(target)
    write_profiles(made.conf / "spark")
    settings.use_conf_dir(str(made.conf))
    spark = spark_session(settings.load(small.SECOND), "chain")
    print(f"session: {type(spark).__module__}", flush=True)
    with small.interpreted(), small.logged(target / small.LOG), secret_values.in_use(made.noted):
        small.history(made, company_files.Company())
        small.step(made, plan_retention.command, as_of=company_files.PLAN_1)
    print(f"{sum(made.seconds.values()):6.1f} s  {made.root}", flush=True)


def write_profiles(folder: Path) -> None:
    """The profiles of the package with the small options, and the forced one."""
    from runtime import settings

    folder.mkdir()
    profiles = {
        path.stem: yaml.safe_load(path.read_text())
        for path in (settings.package_conf() / "spark").glob("*.yaml")
    }
    if remote := os.environ.get("SPARK_REMOTE"):
        profiles["connect"]["spark.remote"] = remote
    profiles[FORCED] = {**profiles["connect"], **profiles["serverless"]}
    for name, values in profiles.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**values, **SMALL}))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m tests.reference.chain FOLDER PROFILE")
    main(*sys.argv[1:])
