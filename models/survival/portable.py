"""A survival model as JSON text, and its predictions for batches of customers.

encoder -> matrix -> survival curve given alive at as_of -> days, dates and probabilities
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from models.encoding import FeatureEncoder
from models.portable_text import complete_parts, sealed, unsealed
from models.survival.cox import CoxModel
from models.survival.curves import RemainingLife, remaining_life
from models.survival.discrete_hazard import HazardModel
from models.survival.rows import Array, SurvivalError, Whole
from models.survival.weibull_aft import WeibullModel

Fitted = CoxModel | WeibullModel | HazardModel
KINDS: dict[str, type[Fitted]] = {m.kind: m for m in (CoxModel, WeibullModel, HazardModel)}


@dataclass(frozen=True)
class Bands:
    """Strata from a feature: the number of edges (ascending) below the value; "null" for null.

    >>> Bands("gap", (3.0, 9.0)).of(pd.DataFrame({"gap": [2.0, 3.5, 40.0, None]}))
    ['0', '1', '2', 'null']
    """

    feature: str
    edges: tuple[float, ...]

    def of(self, frame: pd.DataFrame) -> list[str]:
        """The stratum of each row."""
        values = frame[self.feature].astype(float).to_numpy()
        place = np.searchsorted(self.edges, values, side="left")
        return ["null" if np.isnan(v) else str(k) for v, k in zip(values, place, strict=True)]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Bands:
        """The inverse of `asdict`."""
        return cls(content["feature"], tuple(content["edges"]))


@dataclass(frozen=True, eq=False)
class LifetimeModel:
    """An encoder and a model that uses the encoder's columns `model.names`.

    level: probability of the interval around likely_churn_date. metadata: JSON values. bands: the
    strata, if they come from a feature.
    """

    encoder: FeatureEncoder
    model: Fitted
    level: float = 0.8
    metadata: dict[str, Any] = field(default_factory=dict)
    bands: Bands | None = None

    def __post_init__(self) -> None:
        unknown = set(self.model.names) - set(self.encoder.column_names)
        if unknown:
            raise SurvivalError(
                "encoder: must create all columns of the model, but does not create "
                f"{', '.join(sorted(unknown))}. Use the encoder and the model of one training."
            )

    def matrix(self, frame: pd.DataFrame) -> Array:
        """The covariates of the model, one row per row of the frame.

        The frame has the features of the encoder; further columns are ignored.
        """
        encoded = self.encoder.encode(frame[list(self.encoder.feature_names)]).astype(float)
        position = {name: k for k, name in enumerate(self.encoder.column_names)}
        return encoded[:, [position[name] for name in self.model.names]]

    def remaining_life(
        self, frame: pd.DataFrame, horizons: Sequence[int], day_weights: Array | None = None
    ) -> RemainingLife:
        """The predictions of each row.

        The frame has the features and entry_days, and the column `stratum` if the model is
        stratified by an attribute.
        """
        age, x = frame["entry_days"].to_numpy(), self.matrix(frame)
        names = self.strata(frame)
        return remaining_life(
            self.model,
            x,
            age,
            horizons=horizons,
            stratum=names,
            level=self.level,
            day_weights=day_weights,
        )

    def strata(self, frame: pd.DataFrame) -> list[str] | None:
        """Stratum of each row, from bands or from the column `stratum`; None: not stratified."""
        if self.bands is not None:
            return self.bands.of(frame)
        return list(frame["stratum"]) if "stratum" in frame else None

    def conditional_survival(self, frame: pd.DataFrame, days: Whole) -> Array:
        """P(survival beyond each of `days` ahead), given alive now, of shape (rows, days)."""
        age = frame["entry_days"].to_numpy()
        return self.model.conditional_survival(
            self.matrix(frame), age, days, stratum=self.strata(frame)
        )

    def log_risk(self, frame: pd.DataFrame) -> Array:
        """Log risk per row. Within a stratum, a higher value means an earlier event."""
        x = self.matrix(frame)
        if isinstance(self.model, HazardModel):
            return self.model.log_risk(x, frame["entry_days"].to_numpy())
        return self.model.log_risk(x)

    def to_json(self) -> str:
        """The model as text. `from_json` restores it exactly."""
        return sealed(
            {
                "encoder": self.encoder.to_dict(),
                "kind": self.model.kind,
                "model": self.model.to_dict(),
                "level": self.level,
                "metadata": self.metadata,
                "bands": None if self.bands is None else asdict(self.bands),
            }
        )

    @classmethod
    def from_json(cls, text: str) -> LifetimeModel:
        """The model of `to_json`. PortableModelError for another format or a changed text."""
        content: Mapping[str, Any] = unsealed(text)
        with complete_parts():
            return cls(
                encoder=FeatureEncoder.from_dict(content["encoder"]),
                model=KINDS[content["kind"]].from_dict(content["model"]),
                level=content["level"],
                metadata=content["metadata"],
                bands=Bands.from_dict(content["bands"]) if content["bands"] else None,
            )


def predicted_ddl(horizons: Sequence[int]) -> str:
    """Columns of the rows of `batch_predictor`.

    remaining_lifetime_days: expected days as a customer within 36 months. likely_churn_date: first
    day on which the probability of still being a customer is below 1/2; null: not within 36 months.
    likely_churn_from, likely_churn_to: bounds of the interval with the model's level; null: not
    within 36 months. churn_probability_<h>d: probability of the event within h days.
    survival_by_month: probability of still being a customer at the end of 36 months.
    observed_days: days ahead that were observed in the fit.
    """
    churn = ", ".join(f"churn_probability_{h}d double" for h in horizons)
    return (
        "as_of date, customer_id string, remaining_lifetime_days double, likely_churn_date date, "
        f"likely_churn_from date, likely_churn_to date, {churn}, survival_by_month array<double>, "
        "observed_days double"
    )


def batch_predictor(
    text: str, horizons: Sequence[int]
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: one row of `predicted_ddl` per input row, in the same order.

    text: a LifetimeModel as JSON. Input columns: as_of, customer_id, entry_days and the features.
    """

    def predict(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        model = LifetimeModel.from_json(text)
        for batch in batches:
            yield predict_batch(model, batch, horizons)

    return predict


def predict_batch(
    model: LifetimeModel, batch: pd.DataFrame, horizons: Sequence[int]
) -> pd.DataFrame:
    """One row per row of the batch, with the columns of `predicted_ddl`."""
    life = model.remaining_life(batch, horizons)
    is_known = ~np.isnan(life.expected_days)
    churn = {f"churn_probability_{h}d": values for h, values in life.churn.items()}
    return pd.DataFrame(
        {
            "as_of": batch["as_of"].to_numpy(),
            "customer_id": batch["customer_id"].to_numpy(),
            "remaining_lifetime_days": life.expected_days,
            "likely_churn_date": dates_ahead(batch["as_of"], life.median_days).to_numpy(),
            "likely_churn_from": dates_ahead(batch["as_of"], life.low_days).to_numpy(),
            "likely_churn_to": dates_ahead(batch["as_of"], life.high_days).to_numpy(),
            **churn,
            "survival_by_month": [
                row.tolist() if known else None
                for row, known in zip(life.by_month, is_known, strict=True)
            ],
            "observed_days": life.observed_days,
        }
    )


def dates_ahead(as_of: pd.Series, days: Array | pd.Series) -> pd.Series:
    """as_of + days; None where days is NaN."""
    moved = pd.to_datetime(as_of.to_numpy()) + pd.to_timedelta(np.asarray(days), unit="D")
    dates = [None if pd.isna(day) else day.date() for day in moved]
    return pd.Series(dates, dtype=object, index=as_of.index)
