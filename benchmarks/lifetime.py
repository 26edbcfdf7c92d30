"""BG/NBD: fits beside lifetimes, the curve to ten million customers, predictions in Spark."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from benchmarks.measure import Section, seconds
from models.btyd.bg_nbd import BgNbd
from models.btyd.choice import fit_model
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.rows import PurchaseRows
from models.btyd.scoring import NUMBERS, PREDICTED_DDL, SUMMARY, batch_predictor, predict_batch
from models.btyd.worth import LifetimeModel, Terms

CUSTOMERS, SEED, DAYS = 500_000, 20180101, 540
# Fader, Hardie & Lee's customers, in days; whole days, as purchases by customer-day have them.
PLANTED = BgNbd(0.2426, 30.9, 0.793, 2.426)
CURVE = (100_000, 1_000_000, 5_000_000, 10_000_000)


def customers(count: int, seed: int = SEED) -> pd.DataFrame:
    """Summary rows of `count` BG/NBD customers: frequency, recency_days, T_days."""
    draw = np.random.default_rng(seed)
    T = draw.integers(1, DAYS, count).astype(float)
    rate = draw.gamma(PLANTED.r, 1 / PLANTED.alpha, count)
    chance = draw.beta(PLANTED.a, PLANTED.b, count)
    x, last = np.zeros(count, dtype=np.int64), np.zeros(count)
    at, here = draw.exponential(1 / rate), np.arange(count)
    while len(here):
        here = here[at[here] < T[here]]
        day = np.minimum(np.ceil(at[here]), T[here])
        is_new_day = day > last[here]
        x[here[is_new_day]] += 1
        last[here] = day
        here = here[draw.random(len(here)) >= chance[here]]
        at[here] += draw.exponential(1 / rate[here])
    return pd.DataFrame({"frequency": x, "recency_days": last, "T_days": T})


def run(spark: Any, folder: Path) -> Section:
    """The fit of 500,000 customers beside lifetimes, parameters equal to 1e-6."""
    from lifetimes import BetaGeoFitter

    section = Section(
        f"BG/NBD of {CUSTOMERS:,} customers",
        "Wall seconds; ours from unmerged rows (merging included), best of two. Parameters are "
        "equal to 1e-6.",
        ("who", "seconds", "distinct rows", "log-likelihood"),
    )
    rows = customers(CUSTOMERS)
    columns = [rows[c].to_numpy() for c in ("frequency", "recency_days", "T_days")]
    ours, fit = seconds(lambda: fit_model("bg_nbd", PurchaseRows.of(*columns)), 2)
    merged = PurchaseRows.of(*columns)
    section.add("holdfast", ours, len(merged), fit.log_likelihood)
    plain, peer = seconds(lambda: BetaGeoFitter().fit(*columns))
    section.add("lifetimes", plain, len(rows), _log_likelihood(merged, peer))
    parts = (merged.frequency, merged.recency, merged.T)
    weighted, other = seconds(lambda: BetaGeoFitter().fit(*parts, weights=merged.weight))
    section.add("lifetimes, weights=", weighted, len(merged), _log_likelihood(merged, other))
    for found in (peer, other):
        assert np.allclose(found.params_.to_numpy(), fit.values, rtol=1e-6), found.params_
    section.reach("lifetimes / holdfast", plain / ours, 6)
    fitted_only, _ = seconds(lambda: fit_model("bg_nbd", merged), 2)
    section.reach(
        "lifetimes' weights= / holdfast, both from merged rows", weighted / fitted_only, 3
    )
    return section


def _log_likelihood(rows: PurchaseRows, peer: Any) -> float:
    each = BgNbd(*peer.params_).log_likelihood(rows.frequency, rows.recency, rows.T)
    return float(rows.weight @ each)


def curve(spark: Any, folder: Path) -> Section:
    """Fit time and the driver's memory up to ten million customers, rows merged in Spark."""
    from jobs.lifetime.summaries import SparkLikelihood

    section = Section(
        "BG/NBD by number of customers",
        "Rows are merged in Spark. `driver`: they come to the driver; `spark`: likelihood and "
        "gradient are summed where they are. Memory: growth of the driver's Python, MiB.",
        ("customers", "where", "distinct rows", "merge seconds", "fit seconds", "memory MiB"),
    )
    for count in CURVE:
        path = str(folder / f"summary_{count}")
        for part in range(0, count, 250_000):
            size = min(250_000, count - part)
            frame = customers(size, SEED + part)
            Path(path).mkdir(exist_ok=True)
            frame.to_parquet(f"{path}/{part}.parquet")
        before = _memory()
        names = ("frequency", "recency_days", "T_days")
        merged = spark.read.parquet(path).groupBy(*names).agg(F.count("*").alias("customers"))
        merged = merged.persist()
        merging, distinct = seconds(merged.count)
        sample = merged.orderBy(F.xxhash64(*names)).limit(20_000).toPandas()
        start = PurchaseRows.of(*(sample[c] for c in (*names, "customers")))
        if distinct <= 1_000_000:
            whole = merged.toPandas()
            rows = PurchaseRows.of(*(whole[c] for c in (*names, "customers")))
            took, _ = seconds(lambda r=rows: fit_model("bg_nbd", r))  # type: ignore[misc]
            section.add(count, "driver", distinct, merging, took, _memory() - before)
        summed = SparkLikelihood(merged, "bg_nbd")
        took, _ = seconds(lambda s=start, f=summed, n=count: fit_model("bg_nbd", s, f, n))  # type: ignore[misc]
        section.add(count, "spark", distinct, merging, took, _memory() - before)
        merged.unpersist()
    section.reach("driver memory, MiB", _memory(), 1024, at_least=False)
    return section


def predictions(spark: Any, folder: Path) -> Section:
    """Worth of a million customers in Spark, beside the same numpy on rows in memory."""
    section = Section(
        "Lifetime predictions for a million customers",
        "Wall seconds, best of two; numpy in one process on rows in memory, Spark from Parquet on "
        "two cores, all columns computed and counted.",
        ("who", "seconds"),
    )
    rows = customers(1_000_000)
    draw = np.random.default_rng(SEED)
    rows["monetary_value"] = np.where(rows["frequency"] > 0, draw.gamma(6, 5, len(rows)), np.nan)
    rows["customer_id"], rows["as_of"] = (
        np.arange(len(rows)).astype(str),
        pd.Timestamp("2018-06-25"),
    )
    spend = GammaGamma(6.25, 3.74, 15.44)
    model = LifetimeModel("bg_nbd", PLANTED, "gamma_gamma", spend, True, Terms(1, 0.01, 0.9, 30))
    plain, _ = seconds(lambda: [predict_batch(model, part) for part in _parts(rows)], 2)
    path = str(folder / "predict.parquet")
    whole = rows.astype({"recency_days": "int64", "T_days": "int64"})
    whole.assign(as_of=rows["as_of"].dt.date).to_parquet(path)
    frame = spark.read.parquet(path).select(*SUMMARY).repartition(8)

    def in_spark() -> Any:
        found = frame.mapInPandas(batch_predictor(model.to_json()), PREDICTED_DDL)
        return found.agg(*[F.sum(n) for n in NUMBERS]).collect()

    took, _ = seconds(in_spark, 2)
    section.add("numpy", plain)
    section.add("holdfast, Spark", took)
    section.reach("Spark / numpy", took / plain, 3, at_least=False)
    return section


def _parts(rows: pd.DataFrame, size: int = 10_000) -> list[pd.DataFrame]:
    return [rows.iloc[i : i + size] for i in range(0, len(rows), size)]


def _memory() -> float:
    """Peak resident memory of this process so far, MiB; the JVM is another process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
