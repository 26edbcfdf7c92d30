"""A longer horizon as a conditional step from a shorter one.

The step gives the probability that a customer who was without a purchase for the shorter horizon
stays so until the end of the longer one. The product of the steps cannot rise with the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
from numpy.typing import NDArray

from models.scoring import GIVEN, combined
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import check_labels
from pipelines.churn.evaluation import predicted
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.rolling import EarlierFits
from runtime.errors import ModelGateError
from runtime.wording import plural
from transforms.training_rows import keep_undecided

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np


@dataclass(frozen=True)
class Step:
    """A conditional model from a shorter horizon to a longer one.

    before: the step to the shorter horizon. None: the shorter horizon is the primary one.
    fits: its fits on earlier dates. They take parameters from `chosen`, as all fits do.
    """

    chosen: Candidate
    fits: EarlierFits
    before: Step | None

    @property
    def horizon(self) -> int:
        """The longer horizon in days."""
        return int(self.fits.data.metadata["horizon_days"])

    @cached_property
    def candidate(self) -> Candidate:
        """The step as it is served."""
        return fitted(self.fits.data, self.chosen.name, self.chosen.parameters)

    def is_testable(self, primary: EarlierFits, day: dt.date) -> bool:
        """Whether all models before this step can be fitted on the dates before `day`."""
        if self.before is None:
            return primary.data_on(day) is not None
        return self.before.fits.data_on(day) is not None and self.before.is_testable(primary, day)

    def probabilities(
        self, primary: EarlierFits, day: dt.date, rows: pd.DataFrame
    ) -> NDArray[np.float64]:
        """P(churned within the horizon) of the rows of `day`, by models that know no label of it.

        Only for a testable day.
        """
        if self.before is None:
            first = primary.candidate(self.chosen, day)
            shorter = predicted(first.model, rows)
        else:
            shorter = self.before.probabilities(primary, day, rows)
        is_own = day == self.fits.data.plan.test
        last = self.candidate if is_own else self.fits.candidate(self.chosen, day)
        return combined(shorter, predicted(last.model, rows), self.fits.data.metadata["definition"])


def step_from(
    data: TrainingData,
    given: int,
    *,
    chosen: Candidate,
    primary: EarlierFits,
    before: Step | None,
) -> Step | None:
    """The step from the horizon `given` to that of the data, not fitted yet.

    None, with a message, if the history is too short to test it or the labels of the customers who
    are undecided at the shorter horizon have one class only. The horizon then has a model of its
    own.
    """
    context, horizon = data.context, data.metadata["horizon_days"]
    undecided = context.lake.keep(keep_undecided(data.rows, data.metadata["definition"]))
    try:
        check_labels(context, undecided, ("train", "validation"))
        facts = served_facts(context, data.plan, undecided, horizon_days=horizon)
        fits = EarlierFits(TrainingData(context, data.plan, undecided, facts | {GIVEN: given}))
        step = Step(chosen, fits, before)
        if step.is_testable(primary, data.plan.test):
            return step
        reason = f"the history before {data.plan.test} is too short to test both"
    except ModelGateError as error:
        reason = str(error)
    context.progress.say(
        f"      horizon of {plural(horizon, 'day')}: has a model of its own and does not continue "
        f"that of {plural(given, 'day')}: {reason}"
    )
    return None
