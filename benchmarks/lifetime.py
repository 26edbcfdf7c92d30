"""BG/NBD: fits against lifetimes, fits of up to ten million customers, predictions in Spark."""

from __future__ import annotations

import multiprocessing
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pyspark.sql import functions as F

from benchmarks.measure import Section, seconds
from models.btyd.bg_nbd import BgNbd
from models.btyd.choice import MOST_START_ROWS, fit_model
from models.btyd.gamma_gamma import GammaGamma
from models.btyd.rows import PurchaseRows
from models.btyd.scoring import NUMBERS, PREDICTED_DDL, SUMMARY, batch_predictor, predict_batch
from models.btyd.worth import LifetimeModel, Terms
from runtime.settings import load

CUSTOMERS, SEED, DAYS = 500_000, 20180101, 540
# Parameters of Fader, Hardie & Lee in days. Times are whole days, like purchases per customer-day.
PLANTED = BgNbd(0.2426, 30.9, 0.793, 2.426)
CURVE = (1_000_000, 5_000_000, 10_000_000)
# This size is fitted on the driver and in Spark: the parameters must be equal.
BOTH_WAYS = 1_000_000
SUMMED = ("frequency", "recency_days", "T_days")


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
    """Fit of 500,000 customers against lifetimes. The parameters must be equal to 1e-6."""
    from lifetimes import BetaGeoFitter

    section = Section(
        f"BG/NBD of {CUSTOMERS:,} customers",
        "Wall seconds. holdfast: best of two, including the merge of equal rows. The parameters "
        "are equal to 1e-6.",
        ("library", "seconds", "distinct rows", "log-likelihood"),
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
    for fitter in (peer, other):
        assert np.allclose(fitter.params_.to_numpy(), fit.values, rtol=1e-6), fitter.params_
    section.reach("lifetimes / holdfast", plain / ours, 6)
    fitted_only, _ = seconds(lambda: fit_model("bg_nbd", merged), 2)
    section.reach(
        "lifetimes with weights / holdfast, both from merged rows", weighted / fitted_only, 3
    )
    return section


def _log_likelihood(rows: PurchaseRows, peer: Any) -> float:
    each = BgNbd(*peer.params_).log_likelihood(rows.frequency, rows.recency, rows.T)
    return float(rows.weight @ each)


def curve(spark: Any, folder: Path) -> Section:
    """Fit time and driver memory for up to ten million customers, with rows merged in Spark."""
    section = Section(
        "BG/NBD by number of customers",
        "Equal rows are merged in Spark. `driver`: the merged rows are collected; `spark`: "
        "likelihood and gradient are summed in the workers, as in the job for more than "
        f"{most_rows():,} distinct rows. Memory: peak of the driver's Python process so far, in "
        f"MiB; {_memory():.0f} before the first row.",
        ("customers", "where", "distinct rows", "merge seconds", "fit seconds", "memory MiB"),
    )
    for count in CURVE:
        merged = spark.read.parquet(stored(folder, count)).groupBy(*SUMMED)
        merged = merged.agg(F.count("*").alias("customers")).persist()
        merging, distinct = seconds(merged.count)
        fits = {}
        if distinct <= most_rows():
            fits["driver"] = seconds(lambda m=merged: _on_driver(m))  # type: ignore[misc]
        if distinct > most_rows() or count == BOTH_WAYS:
            fits["spark"] = seconds(lambda m=merged, n=count: _in_spark(m, n))  # type: ignore[misc]
        for where, (took, _) in fits.items():
            section.add(f"{count:,}", where, distinct, merging, took, _memory())
        values = [fit.values for _, fit in fits.values()]
        assert np.allclose(values[0], values[-1], rtol=1e-6), values
        merged.unpersist()
    section.reach("driver's Python process, MiB", _memory(), 1024, at_least=False)
    return section


def most_rows() -> int:
    """Number of distinct rows above which the job sums likelihoods in Spark."""
    return int(load("demo").lifetime.most_rows_on_driver)


def stored(folder: Path, count: int) -> str:
    """Path of a Parquet folder with that many customers. It is written only once, in parts."""
    path = folder / f"summary_{count}"
    if not (path / "_SUCCESS").exists():
        path.mkdir(exist_ok=True)
        # In a separate process, so that its memory does not count as memory of the driver.
        made = multiprocessing.get_context("spawn").Process(target=_store, args=(str(path), count))
        made.start()
        made.join()
        assert made.exitcode == 0, made.exitcode
    return str(path)


def _store(path: str, count: int) -> None:
    for part in range(0, count, 250_000):
        frame = customers(min(250_000, count - part), SEED + part)
        frame.to_parquet(f"{path}/part-{part}.parquet")
    (Path(path) / "_SUCCESS").touch()


def _on_driver(merged: Any) -> Any:
    whole = merged.toPandas()
    return fit_model("bg_nbd", PurchaseRows.of(*(whole[c] for c in (*SUMMED, "customers"))))


def _in_spark(merged: Any, count: int) -> Any:
    from pipelines.lifetime.summaries import SparkLikelihood

    sample = merged.orderBy(F.xxhash64(*SUMMED), *SUMMED).limit(MOST_START_ROWS).toPandas()
    start = PurchaseRows.of(*(sample[c] for c in (*SUMMED, "customers")))
    return fit_model("bg_nbd", start, SparkLikelihood(merged, "bg_nbd"), customers=count)


def predictions(spark: Any, folder: Path) -> Section:
    """CLV of a million customers in Spark, against the same numpy code on rows in memory."""
    section = Section(
        "Lifetime predictions for a million customers",
        "Wall seconds, best of two. numpy: one process on rows in memory. Spark: from Parquet on "
        "two cores, with all columns computed and summed.",
        ("implementation", "seconds"),
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
        predicted = frame.mapInPandas(batch_predictor(model.to_json()), PREDICTED_DDL)
        return predicted.agg(*[F.sum(n) for n in NUMBERS]).collect()

    took, _ = seconds(in_spark, 2)
    section.add("numpy", plain)
    section.add("holdfast, Spark", took)
    section.reach("Spark / numpy", took / plain, 3, at_least=False)
    return section


def _parts(rows: pd.DataFrame, size: int = 10_000) -> list[pd.DataFrame]:
    return [rows.iloc[i : i + size] for i in range(0, len(rows), size)]


def _memory() -> float:
    """Peak resident memory of this process so far, in MiB, without the JVM."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
