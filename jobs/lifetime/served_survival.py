"""The pyfunc that MLflow logs: covariates and past sums in, days to stay and worth out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.survival.worth import SurvivalWorth


class ServedSurvivalModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row a customer of entry_days, features, past sums in; days to stay and worth out."""

    def load_context(self, context: Any) -> None:
        self.portable = SurvivalWorth.from_json(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return self.portable.predict(model_input)


mlflow.models.set_model(ServedSurvivalModel())
