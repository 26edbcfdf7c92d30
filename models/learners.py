"""Learners behind one small interface: a Spark frame in, a portable scorer out.

A learner's fit is distributed; what comes back to the driver is the model alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from models.portable import Scorer
from models.spark_learners import LogisticLearner, MlpLearner, RandomForestLearner
from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Learner(Protocol):
    """Fits on the columns `names` (float) and `label` (0 or 1) of rows in a stable order.

    takes_null: null may stand in the columns, as NaN; else they must be filled and scaled, and
        stand in one vector column `features` too.
    """

    @property
    def name(self) -> str: ...

    @property
    def takes_null(self) -> bool: ...

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> Scorer: ...


@dataclass(frozen=True)
class XgboostLearner:
    """Gradient-boosted trees by xgboost.spark, the histogram method.

    Rows are spread by customer and sorted, so that the same table gives the same trees whatever
    its files and partitions were.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "xgboost"
    takes_null: bool = field(default=True, repr=False)

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
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
            **self.parameters,
        )
        return TreeEnsemble.from_xgboost(classifier.fit(spread).get_booster())


LEARNERS: Mapping[str, Callable[[Mapping[str, Any], int, int], Learner]] = {
    "xgboost": XgboostLearner,
    "random_forest": RandomForestLearner,
    "multilayer_perceptron": MlpLearner,
    "logistic_regression": LogisticLearner,
}
