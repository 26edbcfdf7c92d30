"""The pyfunc that MLflow logs: features in, churn_probability out, from the portable form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.portable import PortableModel


class ServedChurnModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row of features a customer in, one churn_probability out: that of the model, also for
    customers so new that the tables give them the rate of their like."""

    def load_context(self, context: Any) -> None:
        self.portable = PortableModel.from_json(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return pd.DataFrame({"churn_probability": self.portable.predict_proba(model_input)})


mlflow.models.set_model(ServedChurnModel())
