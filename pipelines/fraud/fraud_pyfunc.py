"""The pyfunc that MLflow logs for a fraud model: features of a payment in, score out.

The features need the windows of a payment, which the service and score_payments compute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.portable import PortableModel


class ServedFraudModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row of features per payment in, one score out."""

    def load_context(self, context: Any) -> None:
        self.portable = PortableModel.from_json(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return pd.DataFrame({"score": self.portable.predict_proba(model_input)})


mlflow.models.set_model(ServedFraudModel())
