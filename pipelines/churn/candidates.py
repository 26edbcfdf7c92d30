"""A candidate: one learner with tuned parameters, fitted, calibrated and with its thresholds."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from models.calibration import best_by_brier, to_log_odds
from models.learners import LEARNERS, Learner, XgboostLearner
from models.portable import PortableModel, Scorer
from models.profit import (
    expected_maximum_profit,
    f1_threshold,
    threshold_of_share,
)
from models.scoring import as_served
from models.spark_learners import RandomForestLearner, RfmLearner
from pipelines.churn.dataset import Design, check_labels, dense, designed, rfm_dense, sample
from pipelines.churn.economics import campaign_economics
from pipelines.churn.fit_rows import split_again
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.parallel import Item, Result, side_by_side
from transforms.training_rows import with_split

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Candidate:
    """A fitted learner and its results on the validation date.

    scorer: fitted on the train dates only, so the validation date is new to it. `model` is refitted
        on all dates before the test date.
    thresholds: name -> probability: `profit` (the model's own), `half`, `f1`.
    """

    name: str
    parameters: Mapping[str, Any]
    model: PortableModel
    validation_roc_auc: float
    validation_scores: NDArray[np.float64]
    thresholds: Mapping[str, float]
    expected_profit: float
    seconds: float
    run_id: str = ""
    scorer: Scorer | None = None


@dataclass
class TrainingData:
    """Data that all fits of one horizon share: rows, designs, and validation rows in pandas.

    `rows` has no rows of the test date. `evaluate` reads the test rows once, after all fits.
    """

    context: Context
    plan: Schedule
    rows: DataFrame
    metadata: Mapping[str, Any]

    @cached_property
    def plain(self) -> Design:
        return designed(self.context, self.rows)

    @cached_property
    def dense(self) -> Design:
        return dense(self.context, self.rows, self.plain)

    @cached_property
    def rfm(self) -> Design:
        return rfm_dense(self.context, self.rows)

    def design(self, learner: Learner) -> Design:
        if isinstance(learner, RfmLearner):
            return self.rfm
        return self.plain if learner.takes_null else self.dense

    def tested_on(self, day: dt.date) -> TrainingData | None:
        """The same data as they were known on `day`, an earlier date, which tests.

        Rows whose labels had not passed by then are left out. The designs are shared: their
        categories, fill values and scales use features of later dates, but no labels. None if too
        few dates or only one class remain.
        """
        churn = self.context.settings.churn
        plan = self.plan.tested_on(day, self.metadata["horizon_days"] + churn.lead_days)
        if plan is None:
            return None
        rows = with_split(self.rows, plan.split_of())
        known = rows.where("split <> 'test'")
        try:
            check_labels(self.context, known, ("train", "validation"))
        except ModelGateError:
            return None
        facts = served_facts(self.context, plan, known, horizon_days=self.metadata["horizon_days"])
        return EarlierData(self.context, plan, known, facts, whole=self)

    def side_by_side(
        self, fit: Callable[[Item], Result], items: Iterable[Item], name: str
    ) -> list[Result]:
        """Independent fits, up to training.fits_at_once in parallel, in the order of the items.

        name: one item's name for the progress on the screen.
        """
        # Computed before the threads start, so that it happens once.
        _ = self.plain, self.dense, self.held_out
        at_once, all_items = self.context.settings.training.fits_at_once, list(items)
        with self.context.progress.part(name, of=len(all_items)) as part:

            def counted(item: Item) -> Result:
                result = fit(item)
                part.next()
                return result

            return side_by_side(self.context.spark, counted, all_items, at_once=at_once)

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """At most MOST_ROWS rows of the validation date."""
        return sample(self.rows, "validation")

    def matrix(self, design: Design) -> NDArray[np.float32]:
        return design.encoder.encode(self.held_out[list(design.encoder.feature_names)])

    @cached_property
    def held_out_label(self) -> NDArray[np.float64]:
        return self.held_out["churned"].to_numpy(dtype=float)


@dataclass
class EarlierData(TrainingData):
    """`TrainingData.tested_on`. whole: the data of the training run, whose designs are shared."""

    whole: TrainingData

    @cached_property
    def plain(self) -> Design:
        return self._part(self.whole.plain)

    @cached_property
    def dense(self) -> Design:
        return self._part(self.whole.dense)

    @cached_property
    def rfm(self) -> Design:
        return self._part(self.whole.rfm)

    def _part(self, design: Design) -> Design:
        return replace(design, rows=split_again(design.rows, self.plan.split_of()))


def learner_of(context: Context, name: str, parameters: Mapping[str, Any]) -> Learner:
    """The learner with the seed, workers and bounds of conf and the folder for its files."""
    training = context.settings.training
    learner = LEARNERS[name](parameters, training.seed, training.workers)
    if isinstance(learner, XgboostLearner):
        return replace(
            learner,
            rows_in_one_process=training.rows_in_one_process,
            is_distributed=context.has_jvm,
        )
    if isinstance(learner, RandomForestLearner):
        return replace(learner, scratch=context.lake.scratch)
    return learner


def log_odds(scorer: Scorer, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
    """Raw scores in log-odds, as calibration expects them. A forest's raw scores are
    probabilities."""
    raw = scorer.predict(matrix)
    return to_log_odds(raw) if getattr(scorer, "scale", "sum") == "mean" else raw


def roc_auc(label: NDArray[np.float64], score: NDArray[np.float64]) -> float:
    """Area under the ROC curve. The labels must have both classes."""
    return float(roc_auc_score(label, score))


def fitted(
    data: TrainingData, name: str, parameters: Mapping[str, Any], *, tuned: Scorer | None = None
) -> Candidate:
    """Fit on the train dates, calibrate and choose thresholds on the validation date, then refit.

    The refit uses all dates before the test date. tuned: the scorer of the train dates if the
    search has already fitted it.
    """
    began = time.perf_counter()
    learner = learner_of(data.context, name, parameters)
    design, label = data.design(learner), data.held_out_label
    scorer = tuned or learner.fit(design.split("train"), design.names, "churned")
    raw = log_odds(scorer, data.matrix(design))
    calibration = best_by_brier(raw, label, data.held_out["customer_id"].tolist())
    # Thresholds use the served probabilities, with the cold-start base rate for new customers.
    # Calibration uses the scorer's own probabilities.
    p = as_served(data.metadata, data.held_out, calibration.apply(raw))
    economics = campaign_economics(data.context.settings.training)
    best = expected_maximum_profit(label, p, economics)
    thresholds = {
        "profit": threshold_of_share(p, best.share),
        "half": 0.5,
        "f1": f1_threshold(label, p),
    }
    final = learner.fit(design.split("train", "refit", "validation"), design.names, "churned")
    model = PortableModel(
        design.encoder,
        final,
        calibration,
        threshold=thresholds["profit"],
        metadata={**data.metadata, "model_name": name},
    )
    return Candidate(
        name,
        dict(parameters),
        model,
        roc_auc(label, raw),
        raw,
        thresholds,
        best.profit,
        time.perf_counter() - began,
        scorer=scorer,
    )
