"""The pyfunc that MLflow logs: purchase summaries in, expected purchases and worth out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.btyd.worth import LifetimeModel


class ServedLifetimeModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row a customer of frequency, recency_days, T_days, monetary_value in; worth out."""

    def load_context(self, context: Any) -> None:
        self.portable = LifetimeModel.from_json(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return self.portable.predict(model_input)


mlflow.models.set_model(ServedLifetimeModel())
