"""Learners with one interface: `fit` takes a Spark frame and returns a portable scorer.

Fitting is distributed. Only the fitted model is collected to the driver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from models.portable import Scorer
from models.spark_learners import LogisticLearner, MlpLearner, RandomForestLearner, RfmLearner
from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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
    """Gradient-boosted trees from xgboost.spark with the histogram method.

    Rows are repartitioned by customer and sorted, so that the trees do not depend on the files and
    partitions of the table.
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
    "rfm_logistic": RfmLearner,
}
