"""Survival rows in Spark: partial sums in the workers, and a single vector on the driver.

The vector of each partition is cut into pieces. A second grouping adds the partitions piece by
piece, so the driver receives a single vector for any number of partitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from models.encoding import FeatureEncoder
from models.survival.rows import (
    MAX_STRATA,
    Array,
    Block,
    Partial,
    SurvivalError,
    checked_last_day,
    checked_strata,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Doubles per piece: 256 kB, so that one piece of a thousand partitions fits into a worker.
PIECE = 1 << 15
PIECES = "piece int, sums binary"
# Rows per block: 65,536 rows x 40 covariates x 8 bytes = 21 MB.
BLOCK_ROWS = 1 << 16
# x: the float32 covariates of a row in one binary value, which is a single column for Python.
COMPACT = (
    "cluster bigint, start bigint, stop bigint, event int, weight double, stratum string, x binary"
)


def survival_frame(
    rows: DataFrame,
    encoder: FeatureEncoder,
    stratum: str | None = None,
    *,
    weight: str | None = None,
) -> DataFrame:
    """The compact rows for `SparkRows`: one row per row of `rows`, sorted by customer.

    rows: customer_id, entry_days, duration_days, event (transforms.survival_rows.spells) and the
    features of the encoder. The encoded features must not contain NaN. stratum, weight: column
    names, or None. Persist the result: each step of a fit reads it.
    """
    names = list(encoder.feature_names)
    given = rows.selectExpr(
        "xxhash64(customer_id) AS `#cluster`",
        "CAST(entry_days AS BIGINT) AS `#start`",
        "CAST(duration_days AS BIGINT) AS `#stop`",
        "CAST(event AS INT) AS `#event`",
        f"CAST({_quoted(weight) if weight else '1.0'} AS DOUBLE) AS `#weight`",
        f"COALESCE(CAST({_quoted(stratum) if stratum else 'NULL'} AS STRING), '') AS `#stratum`",
        *map(_quoted, names),
    )

    def compact(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            out = batch[[name for name in batch if name.startswith("#")]]
            out = out.rename(columns=lambda name: name[1:])
            yield out.assign(x=as_bytes(encoder.encode(batch[names])))

    spread = given.mapInPandas(compact, COMPACT).repartition("cluster")
    return spread.sortWithinPartitions("cluster", "stop", "start")


def person_rows(rows: DataFrame, encoder: FeatureEncoder) -> DataFrame:
    """The rows for `discrete_hazard.fit_hazard`: columns x0, x1, ... and the time columns.

    One row per row of `rows`, which come from transforms.survival_rows.person_periods and have the
    features of the encoder. customer_id becomes "customer|period", so that the rows of a customer
    are distinct for a learner.
    """
    names = list(encoder.feature_names)
    width = len(encoder.column_names)
    given = rows.selectExpr(
        "concat_ws('|', customer_id, period) AS `#customer_id`",
        "as_of AS `#as_of`",
        "CAST(period AS INT) AS `#period`",
        "CAST(period_age_days AS FLOAT) AS `#period_age_days`",
        "CAST(churned AS INT) AS `#churned`",
        *map(_quoted, names),
    )
    kept = "customer_id string, as_of date, period int, period_age_days float, churned int"
    ddl = ", ".join([kept, *(f"x{k} float" for k in range(width))])

    def columns(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            out = batch[[name for name in batch if name.startswith("#")]]
            matrix = pd.DataFrame(
                encoder.encode(batch[names]),
                columns=[f"x{k}" for k in range(width)],
                index=batch.index,
            )
            yield pd.concat([out.rename(columns=lambda name: name[1:]), matrix], axis=1)

    return given.mapInPandas(columns, ddl)


@dataclass(frozen=True)
class SparkRows:
    """Rows of a persisted `survival_frame`. Implements models.survival.rows.Rows."""

    frame: DataFrame
    strata: Sequence[str]
    last_day: int
    all_columns: Array
    columns: tuple[int, ...]

    @classmethod
    def of(cls, frame: DataFrame) -> SparkRows:
        """Read the strata, the last day and one row. SurvivalError where the frame is empty."""
        # Collects one row per stratum, at most MAX_STRATA + 1, and then a single row.
        of_stratum = frame.groupBy("stratum").agg({"stop": "max"})
        by_stratum = of_stratum.limit(MAX_STRATA + 1).collect()
        if not by_stratum:
            raise SurvivalError("rows: got none. Fit on at least two customers.")
        strata = checked_strata(sorted(row["stratum"] for row in by_stratum))
        last_day = checked_last_day(max(row["max(stop)"] for row in by_stratum))
        first = frame.orderBy("cluster", "stop", "start").limit(1).collect()[0]
        origin = _matrix([first["x"]])[0]
        return cls(frame, strata, last_day, origin, tuple(range(len(origin))))

    @property
    def origin(self) -> Array:
        """The covariates of one row."""
        return self.all_columns[list(self.columns)]

    def with_columns(self, columns: Sequence[int]) -> SparkRows:
        """The same rows with only the covariates at these positions."""
        return replace(self, columns=tuple(self.columns[k] for k in columns))

    def total(self, partial: Partial) -> Array:
        """The sum of partial(blocks) over the partitions."""
        columns, strata = list(self.columns), list(self.strata)

        def in_pieces(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            vector = partial(blocks_of(batches, columns, strata))
            starts = range(0, len(vector), PIECE)
            sums = [vector[at : at + PIECE].tobytes() for at in starts]
            yield pd.DataFrame({"piece": range(len(sums)), "sums": sums})

        pieces = self.frame.mapInPandas(in_pieces, PIECES)
        # One row per piece: the driver holds the pieces of a single vector, then the vector.
        added = pieces.groupBy("piece").applyInPandas(_added, PIECES).collect()
        in_order = sorted(added, key=lambda row: row["piece"])
        return np.concatenate([np.frombuffer(row["sums"]) for row in in_order])


def _added(pieces: pd.DataFrame) -> pd.DataFrame:
    """The sum of one piece over the partitions.

    The order of the summands is fixed, so that the result does not depend on the arrival order.
    """
    total = np.sum([np.frombuffer(sums) for sums in sorted(pieces["sums"])], axis=0)
    return pd.DataFrame({"piece": [pieces["piece"].iloc[0]], "sums": [total.tobytes()]})


def blocks_of(
    batches: Iterator[pd.DataFrame], columns: Sequence[int], strata: Sequence[str]
) -> Iterator[Block]:
    """Blocks from batches of compact rows. All but the last have at least BLOCK_ROWS rows."""
    waiting: list[pd.DataFrame] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= BLOCK_ROWS:
            yield _block(pd.concat(waiting), columns, strata)
            waiting = []
    if sum(map(len, waiting)):
        yield _block(pd.concat(waiting), columns, strata)


def _block(rows: pd.DataFrame, columns: Sequence[int], strata: Sequence[str]) -> Block:
    if len(strata) == 1:
        stratum = np.zeros(len(rows), dtype=np.int64)
    else:
        stratum = pd.Index(strata).get_indexer(pd.Index(rows["stratum"])).astype(np.int64)
    return Block(
        start=rows["start"].to_numpy(np.int64),
        stop=rows["stop"].to_numpy(np.int64),
        event=rows["event"].to_numpy(np.int64),
        weight=rows["weight"].to_numpy(float),
        x=_matrix(rows["x"])[:, list(columns)],
        stratum=stratum,
        cluster=rows["cluster"].to_numpy(np.int64),
    )


def as_bytes(matrix: Any) -> list[bytes]:
    """The float32 bytes of each row of a matrix."""
    width, whole = matrix.shape[1] * 4, np.ascontiguousarray(matrix, dtype=np.float32).tobytes()
    return [whole[at : at + width] for at in range(0, len(matrix) * width, width)]


def _matrix(rows: Sequence[bytes] | pd.Series) -> Array:
    """The inverse of `as_bytes`, as a matrix of doubles."""
    whole = np.frombuffer(b"".join(rows), dtype=np.float32)
    return whole.reshape(len(rows), -1).astype(np.float64)


def _quoted(name: str) -> str:
    return f"`{name}`"
