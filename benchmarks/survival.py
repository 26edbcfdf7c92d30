"""Cox on Spark against lifelines, 100,000 to 10 million customers; predictions against numpy."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, functions as F

from benchmarks.measure import Section, seconds
from models.encoding import FeatureEncoder
from models.survival.cox import CoxModel, fit_cox
from models.survival.cox_sums import Cells
from models.survival.curves import remaining_life
from models.survival.distributed import SparkRows, survival_frame
from models.survival.portable import LifetimeModel, batch_predictor, predicted_ddl
from models.survival.survey import survey

WARM_UP = 10_000
SIZES = (100_000, 1_000_000, 10_000_000)
COLUMNS = [f"x{k}" for k in range(20)]
# Limits for lifelines. Above them, the report says that it did not finish.
PEER_SECONDS, PEER_BYTES = 1_200, 10 * 2**30
PREDICTED = 1_000_000
HORIZONS = (30, 90)


def customers(spark: Any, count: int) -> DataFrame:
    """One row per customer: age at entry up to 200 days, lifetime about 400 days, 20 covariates.

    Customers are followed for at most two years.
    """

    def draw(salt: str) -> F.Column:  # type: ignore[name-defined]
        return (F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000_000)) + 0.5) / 1_000_000.0

    bell = [
        ((draw(f"{c}a") + draw(f"{c}b") + draw(f"{c}c") - 1.5) * 2).cast("float").alias(c)
        for c in COLUMNS
    ]
    rows = spark.range(count).select("id", *bell)
    log_risk = sum(F.col(c) * (0.3 - 0.03 * k) for k, c in enumerate(COLUMNS))
    life = F.ceil(-F.log(draw("life")) * 400 * F.exp(-log_risk))
    followed = 1 + F.floor(draw("end") * 730)
    timed = rows.select(
        "*", life.alias("life"), followed.alias("followed"), F.floor(draw("age") * 200).alias("age")
    )
    return timed.select(
        F.concat(F.lit("c"), F.col("id")).alias("customer_id"),
        F.lit("2018-01-01").cast("date").alias("as_of"),
        F.col("age").alias("entry_days"),
        (F.col("age") + F.least("life", "followed")).alias("duration_days"),
        (F.col("life") <= F.col("followed")).cast("int").alias("event"),
        *COLUMNS,
    )


def stored(spark: Any, folder: Path, count: int) -> str:
    """Path of a Parquet folder with that many customers. It is written only once."""
    path = str(folder / f"customers_{count}")
    if not (Path(path) / "_SUCCESS").exists():
        customers(spark, count).write.mode("overwrite").parquet(path)
    return path


def encoder() -> FeatureEncoder:
    """An encoder that does not change the covariates."""
    return FeatureEncoder(numeric=tuple(COLUMNS), fill=(0.0,) * len(COLUMNS))


def by_spark(spark: Any, path: str) -> tuple[CoxModel, int]:
    """The fit from Parquet, with robust errors and baseline; and the bytes of the sums per pass."""
    kept = survival_frame(spark.read.parquet(path), encoder()).persist()
    rows = SparkRows.of(kept)
    surveyed = survey(rows)
    model = fit_cox(rows, COLUMNS, surveyed=surveyed)
    kept.unpersist()
    return model, Cells.of(surveyed).layout.size * 8


def by_lifelines(path: str) -> dict[str, Any] | None:
    """Seconds, MiB and coefficients from a separate process; None if it fails or times out."""
    command = [sys.executable, "-m", "benchmarks.survival", path]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def peer(path: str) -> dict[str, Any]:
    """lifelines on the same rows, with at most PEER_BYTES of memory."""
    import pandas as pd
    from lifelines import CoxPHFitter

    resource.setrlimit(resource.RLIMIT_AS, (PEER_BYTES, PEER_BYTES))
    began = time.perf_counter()
    frame = pd.read_parquet(path).drop(columns=["customer_id", "as_of"])
    fitted = CoxPHFitter().fit(frame, "duration_days", "event", entry_col="entry_days")
    taken = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    coefficients = fitted.params_[COLUMNS].tolist()
    return {"seconds": taken, "mib": peak, "coefficients": coefficients}


def run(spark: Any, folder: Path) -> Section:
    """Measure both libraries and assert that the coefficients are equal."""
    section = Section(
        f"Cox with {len(COLUMNS)} covariates and ages at entry",
        "Wall seconds including reading Parquet, with warm workers. Efron ties; holdfast includes "
        "robust errors. MiB: peak of the driver's Python process (lifelines: of its process), and "
        f"size of the sums per pass. Limits for lifelines: {PEER_SECONDS:,} s and "
        f"{PEER_BYTES // 2**30} GiB.",
        ("customers", "seconds", "passes", "driver MiB", "sums MiB", "lifelines, s", "MiB"),
    )
    by_spark(spark, stored(spark, folder, WARM_UP))
    sums = []
    for count in SIZES:
        path = stored(spark, folder, count)
        ours, (model, size) = seconds(lambda path=path: by_spark(spark, path))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        theirs = by_lifelines(path)
        if theirs:
            gap = float(np.abs(model.coefficients - theirs["coefficients"]).max())
            assert gap <= 1e-5, gap
            section.verdicts.append(f"{count:,}: largest difference of coefficients: {gap:.1e}")
        said = (theirs["seconds"], theirs["mib"]) if theirs else ("did not finish", "")
        sums.append(size / 2**20)
        section.add(f"{count:,}", ours, model.passes, peak, sums[-1], *said)
    section.reach(f"driver's Python process at {SIZES[-1]:,}, MiB", peak, 1024, at_least=False)
    section.reach(f"sums at {SIZES[-1]:,} / at {SIZES[0]:,}", sums[-1] / sums[0], 2, at_least=False)
    return section


def predictions(spark: Any, folder: Path) -> Section:
    """Curves, dates and probabilities per customer: Spark against the same code in numpy."""
    section = Section(
        f"Remaining life of {PREDICTED:,} customers",
        "A daily curve of 36 months per customer, from a Cox model with 20 covariates. Core "
        "seconds: wall seconds times cores.",
        ("implementation", "core seconds"),
    )
    path = stored(spark, folder, PREDICTED)
    model, _ = by_spark(spark, path)
    rows = spark.read.parquet(path)
    frame = rows.toPandas()
    x, age = frame[COLUMNS].to_numpy(float), frame["entry_days"].to_numpy()
    pure, _ = seconds(lambda: remaining_life(model, x, age, horizons=HORIZONS))
    section.add("numpy, one process", pure)
    work = batch_predictor(LifetimeModel(encoder(), model).to_json(), HORIZONS)
    spread = rows.repartition(4 * spark.sparkContext.defaultParallelism).persist()
    spread.count()
    predicted = spread.mapInPandas(work, predicted_ddl(HORIZONS))
    wall, _ = seconds(lambda: predicted.write.format("noop").mode("overwrite").save(), 2)
    ours = wall * spark.sparkContext.defaultParallelism
    section.add("holdfast, Spark", ours)
    section.reach("Spark / numpy", ours / pure, 3, at_least=False)
    spread.unpersist()
    return section


if __name__ == "__main__":
    print(json.dumps(peer(sys.argv[1])))
