"""The pyfunc that MLflow logs for both lifetime models: a customer in, what they are worth out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.lifetime_scoring import model_of


class ServedLifetimeModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row a customer in, one out.

    `lifetime` takes the purchase summary (frequency, recency_days, T_days, monetary_value);
    `survival` takes entry_days, features and past sums, and gives days to stay too.
    """

    def load_context(self, context: Any) -> None:
        self.portable = model_of(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return self.portable.predict(model_input)


mlflow.models.set_model(ServedLifetimeModel())
