"""Learners with one interface: `fit` takes rows and returns a portable scorer.

Rows of a Spark frame are fitted on the workers, and only the fitted model is collected to the
driver. Few rows (`MatrixRows`) are fitted in one process, where a fit takes less time than the
start of its Spark jobs. The network is always fitted in one process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from xgboost import XGBClassifier

from contracts.wording import plural, verb
from models.fit_limit import CheckedBoosting
from models.matrix_rows import CUSTOMER_HASH, MatrixRows, collected
from models.network import fit_network
from models.portable import MlpScorer, Scorer
from models.spark_learners import LogisticLearner, RandomForestLearner, RfmLearner
from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Rows of the network. 200,000 rows with 58 columns took 77 CPU seconds.
MOST_NETWORK_ROWS = 50_000
# Steps in which a share of the customers is chosen.
MILLION = 1_000_000


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

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> Scorer: ...


@dataclass(frozen=True)
class XgboostLearner:
    """Gradient-boosted trees with the histogram method.

    Rows are sorted by date and customer, so that the trees do not depend on the files and
    partitions of the table. A Spark frame is fitted by xgboost.spark, `MatrixRows` in this process.
    With one worker both give the same trees.

    is_distributed: False where xgboost.spark does not run, as on Spark Connect, which has no RDDs.
        A Spark frame raises TooManyRowsError there.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "xgboost"
    takes_null: bool = field(default=True, repr=False)
    rows_in_one_process: int = 0
    is_distributed: bool = field(default=True, repr=False)

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> TreeEnsemble:
        if isinstance(rows, MatrixRows):
            return self._in_process(rows, label)
        if not self.is_distributed:
            raise TooManyRowsError(rows.count(), self.rows_in_one_process)
        return self._on_workers(rows, names, label)

    def _in_process(self, rows: MatrixRows, label: str) -> TreeEnsemble:
        # One thread: fits run in parallel, and threads of several fits that wait for each other are
        # slower than one.
        classifier = XGBClassifier(
            n_jobs=1,
            random_state=self.seed,
            tree_method="hist",
            verbosity=0,
            callbacks=[CheckedBoosting()],
            **self.parameters,
        )
        fitted = classifier.fit(rows.x, rows.label(label))
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


@dataclass(frozen=True)
class MlpLearner:
    """Multilayer perceptron with early stopping (`models.network`), always in this process.

    It takes at most about MOST_NETWORK_ROWS rows, of customers chosen by a hash of the id. The
    network has no exact explanations and so cannot become champion.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "multilayer_perceptron"
    takes_null: bool = field(default=False, repr=False)

    def fit(self, rows: DataFrame | MatrixRows, names: Sequence[str], label: str) -> MlpScorer:
        count = len(rows) if isinstance(rows, MatrixRows) else rows.count()
        # Of 0 to MILLION - 1. The same customers on both paths.
        below = MILLION * MOST_NETWORK_ROWS // max(count, MOST_NETWORK_ROWS)
        if isinstance(rows, MatrixRows):
            sample = rows.where(rows.keys[CUSTOMER_HASH] % MILLION < below)
        else:
            chosen = rows.where(f"pmod(xxhash64(customer_id), {MILLION}) < {below}")
            sample = collected(chosen, names)
        return fit_network(sample, label, self.parameters, seed=self.seed)


LEARNERS: Mapping[str, Callable[[Mapping[str, Any], int, int], Learner]] = {
    "xgboost": XgboostLearner,
    "random_forest": RandomForestLearner,
    "multilayer_perceptron": MlpLearner,
    "logistic_regression": LogisticLearner,
    "rfm_logistic": RfmLearner,
}
