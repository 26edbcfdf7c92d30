"""Settings of model training: learners, search, evaluation, campaign economics."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from contracts.features import PROFILE_FEATURES
from runtime.settings.core import Section
from runtime.suggestions import did_you_mean

LearnerName = Literal["xgboost", "random_forest", "multilayer_perceptron", "logistic_regression"]


ReasonName = Literal["price", "features", "competitor", "quality", "support"]


class RangeSettings(Section):
    """Values from low to high (integers if both are), on a log scale if `log`; or `choices`."""

    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    choices: list[Any] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> RangeSettings:
        is_range = self.low is not None and self.high is not None and self.low < self.high
        if is_range == bool(self.choices):
            raise ValueError("must have low below high, or choices, and not both")
        return self

    def holds(self, value: Any) -> bool:
        """Whether the value lies in the range or is one of the choices."""
        if self.low is None or self.high is None:
            return value in (self.choices or [])
        return bool(self.low <= value <= self.high)


class SearchSettings(Section):
    """Trials per learner, each evaluated on the last `folds` dates before the test date.

    A trial that falls behind is stopped after a date, which needs at least two dates.
    """

    folds: int = Field(ge=1)
    trials: dict[LearnerName, int]


class StabilitySettings(Section):
    """learners: names, or `chosen`, the learner that is registered. Each costs `folds` fits."""

    folds: int = Field(ge=2)
    learners: list[LearnerName | Literal["chosen"]]


class EconomicsSettings(Section):
    """Cost and value of a campaign per customer. Acceptance is Beta(alpha, beta)."""

    value: float = Field(gt=0)
    incentive_cost: float = Field(ge=0)
    contact_cost: float = Field(ge=0)
    alpha: float = Field(gt=0)
    beta: float = Field(gt=0)

    @model_validator(mode="after")
    def _is_worth_it(self) -> EconomicsSettings:
        if self.incentive_cost >= self.value:
            raise ValueError(
                f"incentive_cost {self.incentive_cost} must be below value {self.value}"
            )
        return self


class ReadingSettings(Section):
    """Whether Claude labels free-text tickets, and how many at most."""

    is_on: bool
    most_tickets: int = Field(ge=1, le=10_000)


class ReasonSettings(Section):
    """Sources of reasons: exit surveys and ticket categories, or feature patterns per reason."""

    fewest: int = Field(ge=20)
    within_days: int = Field(ge=0)
    parameters: dict[str, Any]
    read_by_claude: ReadingSettings
    ticket_categories: dict[str, ReasonName]
    features: dict[str, list[str]]


class TrainingSettings(Section):
    train_dates: int = Field(ge=1)
    min_history_days: int = Field(ge=1)
    cold_start_days: int = Field(ge=0)
    seed: int
    workers: int = Field(ge=1)
    max_rows: int = Field(ge=1_000)
    budget_minutes: float = Field(gt=0)
    rows_in_one_process: int = Field(ge=0)
    partitions: int = Field(ge=1)
    fits_at_once: int = Field(ge=1)
    bootstrap_samples: int = Field(ge=50)
    rolling_dates: int = Field(ge=0)
    leak_alarm_roc_auc: float = Field(gt=0.5, le=1)
    leak_alarm_roc_auc_active_90d: float = Field(gt=0.5, le=1)
    learners: list[LearnerName] = Field(min_length=1)
    starts: dict[LearnerName, dict[str, Any]]
    spaces: dict[LearnerName, dict[str, RangeSettings]]
    search: str
    searches: dict[str, SearchSettings]
    stability: StabilitySettings
    compare_feature_sets: bool
    selected_share: float = Field(gt=0, le=1)
    dated_attributes: list[str]
    feature_families: dict[str, list[str]]
    reasons: ReasonSettings
    economics: EconomicsSettings

    @field_validator("dated_attributes")
    @classmethod
    def _are_attributes(cls, names: list[str]) -> list[str]:
        unknown = sorted(set(names) - set(PROFILE_FEATURES))
        if unknown:
            raise ValueError(f"must be among {', '.join(PROFILE_FEATURES)}, got {unknown}")
        return names

    @model_validator(mode="after")
    def _names_fit(self) -> TrainingSettings:
        if self.search not in self.searches:
            raise ValueError(
                f"search {self.search!r} must be one of {', '.join(sorted(self.searches))}."
                f"{did_you_mean(self.search, self.searches)}".removesuffix(".")
            )
        for learner in self.learners:
            if learner not in self.starts:
                raise ValueError(f"starts has no values for {learner}")
            unknown = set(self.spaces.get(learner, {})) - set(self.starts[learner])
            if unknown:
                raise ValueError(
                    f"spaces.{learner} has {sorted(unknown)}, but starts.{learner} does not"
                )
            for name, space in self.spaces.get(learner, {}).items():
                value = self.starts[learner][name]
                if not space.holds(value):
                    raise ValueError(
                        f"starts.{learner}.{name} = {value} must lie in its space, "
                        f"spaces.{learner}.{name}; change one of them"
                    )
        return self

    @property
    def plan(self) -> SearchSettings:
        return self.searches[self.search]

    def space(self, learner: str) -> dict[str, dict[str, Any]]:
        """The search space of a learner as plain values."""
        ranges = self.spaces.get(learner, {}).items()  # type: ignore[call-overload]
        return {name: values.model_dump(exclude_none=True) for name, values in ranges}
