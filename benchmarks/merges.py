"""Small merges: CPU time with the local profile against the defaults of Spark and Delta."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Section, cpu_seconds

MERGES = 6


def run(spark: Any, folder: Path) -> Section:
    """Measure both profiles."""
    section = Section(
        "Small merges",
        f"{MERGES} merges of 200 rows into 1,000, after two merges to warm up. CPU seconds of "
        "driver and JVM; each profile runs in its own process.",
        ("profile", "CPU seconds per merge", "wall seconds per merge"),
    )
    cpu = {}
    for profile in ("default", "local"):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.merges", profile],
            capture_output=True,
            text=True,
            check=True,
        )
        measured = json.loads(done.stdout.splitlines()[-1])
        cpu[profile] = measured["cpu"]
        section.add(profile, measured["cpu"], measured["wall"])
    section.reach("local / default", cpu["local"] / cpu["default"], 0.40, at_least=False)
    return section


def measure(profile: str) -> dict[str, float]:
    """CPU and wall seconds per merge."""
    import time

    from delta.tables import DeltaTable
    from pyspark.sql import SparkSession

    from benchmarks.session import benchmark_session
    from runtime.lakehouse.session import DELTA

    if profile == "local":
        spark = benchmark_session()
    else:
        builder = SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false")
        for key in ("spark.sql.extensions", "spark.sql.catalog.spark_catalog"):
            builder = builder.config(key, DELTA[key])
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "t")
        spark.range(1_000).selectExpr("id", "0 as n").write.format("delta").save(path)
        began = (0.0, 0.0)
        for turn in range(MERGES + 2):
            if turn == 2:
                began = (cpu_seconds(), time.perf_counter())
            new = spark.range(turn * 100, turn * 100 + 200).selectExpr("id", f"{turn} as n")
            (
                DeltaTable.forPath(spark, path)
                .alias("t")
                .merge(new.alias("s"), "t.id = s.id")
                .whenMatchedUpdateAll()
                .whenNotMatchedInsertAll()
                .execute()
            )
        cpu, wall = cpu_seconds() - began[0], time.perf_counter() - began[1]
    spark.stop()
    return {"cpu": cpu / MERGES, "wall": wall / MERGES}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
