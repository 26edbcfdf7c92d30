"""Learners with one interface: `fit` takes a Spark frame and returns a portable scorer.

Fitting is distributed, and only the fitted model is collected to the driver. Boosted trees of few
rows are fitted in one process instead: the start of a barrier stage takes longer than the fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from xgboost import XGBClassifier

from contracts.wording import plural, verb
from models.portable import Scorer
from models.spark_learners import LogisticLearner, MlpLearner, RandomForestLearner, RfmLearner
from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class TooManyRowsError(ValueError):
    """More rows than one process fits, where xgboost.spark does not run."""

    def __init__(self, rows: int, bound: int) -> None:
        super().__init__(
            f"{plural(rows, 'row')} {verb(rows, 'is', 'are')} more than "
            f"training.rows_in_one_process = {bound:,}, and on Spark Connect boosted trees are "
            "fitted in one process only. Use a cluster with a classic session (Databricks: "
            "dedicated access mode), or raise the bound if the memory of the client allows it."
        )


class Learner(Protocol):
    """Fits on the columns `names` (float) and `label` (0 or 1). Row order must be stable.

    takes_null: True if the columns may hold NaN for null. Otherwise the columns must be filled and
        scaled, and the frame must also hold them as one vector column `features`.
    """

    @property
    def name(self) -> str: ...

    @property
    def takes_null(self) -> bool: ...

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> Scorer: ...


@dataclass(frozen=True)
class XgboostLearner:
    """Gradient-boosted trees with the histogram method.

    Rows are sorted by date and customer, so that the trees do not depend on the files and
    partitions of the table. Up to `rows_in_one_process` rows are fitted on the driver, more rows by
    xgboost.spark. With one worker both give the same trees.

    is_distributed: False where xgboost.spark does not run, as on Spark Connect, which has no RDDs.
        More rows raise TooManyRowsError there.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "xgboost"
    takes_null: bool = field(default=True, repr=False)
    rows_in_one_process: int = 0
    is_distributed: bool = field(default=True, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        if self.rows_in_one_process or not self.is_distributed:
            rows = frame.count()
            if rows <= self.rows_in_one_process:
                return self._on_driver(frame, names, label)
            if not self.is_distributed:
                raise TooManyRowsError(rows, self.rows_in_one_process)
        return self._on_workers(frame, names, label)

    def _on_driver(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        # At most rows_in_one_process rows.
        rows = frame.select(*names, label, "as_of", "customer_id").toArrow()
        rows = rows.sort_by([("as_of", "ascending"), ("customer_id", "ascending")])
        # A null becomes NaN. One thread: fits run in parallel, and threads of several fits that
        # wait for each other are slower than one.
        columns = [rows[name].to_numpy().astype(np.float32) for name in names]
        classifier = XGBClassifier(
            n_jobs=1, random_state=self.seed, tree_method="hist", verbosity=0, **self.parameters
        )
        fitted = classifier.fit(np.column_stack(columns), rows[label].to_numpy())
        return TreeEnsemble.from_xgboost(fitted.get_booster())

    def _on_workers(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        from xgboost.spark import SparkXGBClassifier

        spread = frame.repartition(self.workers, "customer_id").sortWithinPartitions(
            "as_of", "customer_id"
        )
        classifier = SparkXGBClassifier(
            features_col=list(names),
            label_col=label,
            num_workers=self.workers,
            random_state=self.seed,
            tree_method="hist",
            verbosity=0,
            verbose=False,
            # Started by the first task: a stage that Spark repeats after the loss of an executor
            # has a new tracker.
            launch_tracker_on_driver=False,
            **self.parameters,
        )
        return TreeEnsemble.from_xgboost(classifier.fit(spread).get_booster())


LEARNERS: Mapping[str, Callable[[Mapping[str, Any], int, int], Learner]] = {
    "xgboost": XgboostLearner,
    "random_forest": RandomForestLearner,
    "multilayer_perceptron": MlpLearner,
    "logistic_regression": LogisticLearner,
    "rfm_logistic": RfmLearner,
}
