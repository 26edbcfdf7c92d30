"""The pyfunc that MLflow logs for both lifetime models: CLV and lifetime per customer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.lifetime_scoring import model_of


class ServedLifetimeModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """Returns one row per customer.

    Integers, booleans and missing values are accepted as the feature tables give them.

    `lifetime` takes the purchase summary: frequency, recency_days, T_days, monetary_value.
    `survival` takes entry_days, features and past sums, and also returns the remaining days.
    """

    def load_context(self, context: Any) -> None:
        self.portable = model_of(Path(context.artifacts["portable"]).read_text())

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        # Every input is a number. MLflow hands over mixed columns as objects.
        numbers = model_input.where(model_input.notna(), float("nan")).astype(float)
        return self.portable.predict(numbers)


mlflow.models.set_model(ServedLifetimeModel())
