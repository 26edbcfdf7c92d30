"""Boosted trees for the stages of an uplift learner, on Spark frames or on pandas in one process.

Both return models.tree_ensemble.TreeEnsemble, so predictions do not depend on the engine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pandas as pd
import xgboost
from numpy.typing import NDArray
from scipy.special import expit

from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from xgboost import Booster
    from xgboost.spark import SparkXGBClassifier, SparkXGBRegressor

Floats = NDArray[np.float64]
# Computes new columns of a batch of rows, by name.
BatchFunction = Callable[[pd.DataFrame], Mapping[str, Floats | pd.Series]]
# The frame of an engine: pandas or Spark.
Frame = TypeVar("Frame")


class Boosting(Protocol[Frame]):
    """Operations of an uplift learner on one engine.

    Rows have the features `names` (numbers, NaN for null), `arm` and further columns.
    """

    def classifier(self, rows: Frame, names: Sequence[str], label: str) -> TreeEnsemble: ...

    def regressor(self, rows: Frame, names: Sequence[str], target: str) -> TreeEnsemble: ...

    def where(self, rows: Frame, column: str, values: Sequence[float]) -> Frame: ...

    def with_columns(self, rows: Frame, names: Sequence[str], function: BatchFunction) -> Frame: ...

    def totals(self, rows: Frame, by: Sequence[str], of: str) -> pd.DataFrame:
        """One row per combination of `by`: `total` (the sum of the column `of`) and `rows`.

        Collects to the driver, so the number of combinations must be small.
        """


@dataclass(frozen=True)
class LocalBoosting:
    """Boosting on pandas frames in one process."""

    parameters: Mapping[str, Any]
    seed: int

    def classifier(self, rows: pd.DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        return self._fitted(rows, names, label, "binary:logistic")

    def regressor(self, rows: pd.DataFrame, names: Sequence[str], target: str) -> TreeEnsemble:
        return self._fitted(rows, names, target, "reg:squarederror")

    def where(self, rows: pd.DataFrame, column: str, values: Sequence[float]) -> pd.DataFrame:
        return rows[rows[column].isin(values)]

    def with_columns(
        self, rows: pd.DataFrame, names: Sequence[str], function: BatchFunction
    ) -> pd.DataFrame:
        return rows.assign(**function(rows))

    def totals(self, rows: pd.DataFrame, by: Sequence[str], of: str) -> pd.DataFrame:
        sums = rows.groupby(list(by), as_index=False)[of].agg(["sum", "size"])
        return sums.rename(columns={"sum": "total", "size": "rows"})

    def _fitted(
        self, rows: pd.DataFrame, names: Sequence[str], target: str, objective: str
    ) -> TreeEnsemble:

        data = xgboost.DMatrix(
            rows[list(names)].to_numpy(np.float32), label=rows[target].to_numpy(float)
        )
        parameters = dict(self.parameters)
        rounds = parameters.pop("n_estimators")
        settings = {"objective": objective, "tree_method": "hist", "seed": self.seed, "nthread": 1}
        booster = xgboost.train({**parameters, **settings}, data, num_boost_round=rounds)
        return ensemble_of(booster)


@dataclass(frozen=True)
class SparkBoosting:
    """Boosting with xgboost.spark. Rows stay distributed; a fit runs on `workers` tasks."""

    parameters: Mapping[str, Any]
    seed: int
    workers: int

    def classifier(self, rows: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        from xgboost.spark import SparkXGBClassifier

        return self._fitted(SparkXGBClassifier, rows, names, label)

    def regressor(self, rows: DataFrame, names: Sequence[str], target: str) -> TreeEnsemble:
        from xgboost.spark import SparkXGBRegressor

        return self._fitted(SparkXGBRegressor, rows, names, target)

    def where(self, rows: DataFrame, column: str, values: Sequence[float]) -> DataFrame:
        return rows.where(f"{column} IN ({', '.join(repr(float(v)) for v in values)})")

    def with_columns(
        self, rows: DataFrame, names: Sequence[str], function: BatchFunction
    ) -> DataFrame:
        added = ", ".join(f"{name} double" for name in names)
        columns = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in rows.schema.fields)

        def each(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            for batch in batches:
                yield batch.assign(**function(batch))

        return rows.mapInPandas(each, f"{columns}, {added}")

    def totals(self, rows: DataFrame, by: Sequence[str], of: str) -> pd.DataFrame:
        sums: pd.DataFrame = rows.groupBy(*by).agg({of: "sum", "*": "count"}).toPandas()
        names = {f"sum({of})": "total", "count(1)": "rows"}
        return sums.rename(columns=names).sort_values(list(by), ignore_index=True)

    def _fitted(
        self,
        kind: type[SparkXGBClassifier] | type[SparkXGBRegressor],
        rows: DataFrame,
        names: Sequence[str],
        target: str,
    ) -> TreeEnsemble:
        # Repartitioned by customer and sorted, so that the same rows always give the same trees.
        spread = rows.repartition(self.workers, "customer_id").sortWithinPartitions(
            "customer_id", "as_of"
        )
        fitted = kind(
            features_col=list(names),
            label_col=target,
            num_workers=self.workers,
            random_state=self.seed,
            tree_method="hist",
            verbosity=0,
            verbose=False,
            # Started by the first task: a stage that Spark repeats after the loss of an executor
            # has a new tracker.
            launch_tracker_on_driver=False,
            **self.parameters,
        ).fit(spread)
        return ensemble_of(fitted.get_booster())


def ensemble_of(booster: Booster) -> TreeEnsemble:
    """Convert a binary:logistic or reg:squarederror booster.

    Raw scores are log-odds for the former and predictions of y for the latter.
    """
    learner = json.loads(bytes(booster.save_raw("json")))
    if learner["learner"]["objective"]["name"] != "reg:squarederror":
        return TreeEnsemble.from_xgboost(booster)

    # from_xgboost converts base_score to log-odds. 0.5 gives 0; the actual base is set afterwards.
    parameters = learner["learner"]["learner_model_param"]
    written = json.loads(parameters["base_score"])
    base = float(written[0] if isinstance(written, list) else written)
    parameters["base_score"] = "[5E-1]" if isinstance(written, list) else "5E-1"
    learner["learner"]["objective"] = {
        "name": "binary:logistic",
        "reg_loss_param": {"scale_pos_weight": "1"},
    }
    plain = xgboost.Booster()
    plain.load_model(bytearray(json.dumps(learner).encode()))
    return replace(TreeEnsemble.from_xgboost(plain), base=base)


def probability(trees: TreeEnsemble, matrix: NDArray[np.float32]) -> Floats:
    """Probability of each row, from the trees of a classifier."""
    return expit(trees.predict(matrix))
