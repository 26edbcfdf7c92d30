"""The pyfunc that MLflow logs: features in, churn_probability out, from the portable form.

MLflow copies this file into each registered version (models from code) and runs the copy when the
version is loaded. `runtime.model_code` copies the modules that it imports beside it, so a version
needs no checkout and keeps its own code. Spark is not imported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from models.portable import PortableModel


class ServedChurnModel(mlflow.pyfunc.PythonModel):  # type: ignore[name-defined]
    """One row of features per customer in, one churn_probability out.

    New customers get the model's own probability too. The tables give them the cold-start base
    rate instead.
    """

    def load_context(self, context: Any) -> None:
        self.portable = PortableModel.from_json(Path(context.artifacts["portable"]).read_text())

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        return pd.DataFrame({"churn_probability": self.portable.predict_proba(model_input)})


mlflow.models.set_model(ServedChurnModel())
