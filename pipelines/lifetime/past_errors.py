"""Purchase models with what their past forecasts showed: new customers, and the variance."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from models.btyd.worth import LifetimeModel
from models.btyd.worth_fit import with_past
from pipelines.lifetime.btyd_fits import Fits, tenure
from pipelines.lifetime.customer_kinds import could_be_kept, horizons_ahead
from pipelines.lifetime.landmarks import Landmarks
from pipelines.lifetime.model_rows import past_rows
from runtime.settings import Settings


def with_past_errors(
    settings: Settings, landmarks: Landmarks, day: dt.date, *, model: LifetimeModel
) -> LifetimeModel:
    """The model with the errors of its forecasts from landmarks, as known on the day."""
    horizons = horizons_ahead(settings)
    past = landmarks.known(day, horizons, lambda rows: could_be_kept(settings, rows))
    return with_past(model, past, tenure(settings))


def all_with_past_errors(settings: Settings, landmarks: Landmarks, fits: Fits) -> Fits:
    """The fits of as_of, each purchase model with its past errors."""
    day = landmarks.as_of

    def filled(model: LifetimeModel) -> LifetimeModel:
        return with_past_errors(settings, landmarks, day, model=model)

    if fits.model is None:
        return fits
    others = {
        name: filled(model) if isinstance(model, LifetimeModel) else model
        for name, model in fits.others.items()
    }
    model = filled(fits.model)
    return replace(fits, model=model, others=others, rows=[*fits.rows, *past_rows(model)])
