"""MLflow's scoring protocol on the same core: /invocations, /ping and /version.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/: bodies dataframe_split,
dataframe_records, instances and inputs, and text/csv. As MLflow does with a signature, columns that
the model does not know are left out.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import mlflow
from fastapi import APIRouter
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response

from service.champion import Models
from service.predictor import Predictor
from service.problems import Problem, invalid
from service.routes import JSON, body_of, features_of, problems, request_of

FORMS = ("dataframe_split", "dataframe_records", "instances", "inputs")
CSV = "text/csv"


class Prediction(BaseModel):
    """One row of the answer."""

    churn_probability: float


class Predictions(BaseModel):
    """The answer of MLflow's protocol."""

    predictions: list[Prediction]


class Split(BaseModel):
    """A frame as pandas writes it with orient=split."""

    columns: list[str] = Field(min_length=1)
    data: list[list[bool | float | str | None]]
    index: list[Any] | None = None


def mlflow_routes(predictor: Predictor, max_body_bytes: int) -> APIRouter:
    """The three routes."""
    router = APIRouter(tags=["MLflow's protocol"])

    @router.get(
        "/ping",
        summary="A champion is loaded",
        response_class=PlainTextResponse,
        responses=problems(503),
    )
    async def ping() -> Response:
        predictor.current()
        return PlainTextResponse("\n")

    @router.get("/version", summary="The version of MLflow", response_class=PlainTextResponse)
    async def version() -> Response:
        return PlainTextResponse(mlflow.__version__)

    @router.post(
        "/invocations",
        summary="Churn probabilities of rows of features",
        description="dataframe_records, dataframe_split, instances or inputs, or text/csv. Columns "
        "that the model does not know are left out.",
        response_model=Predictions,
        responses=problems(400, 401, 413, 415, 422, 429, 503),
    )
    async def invocations(http: HttpRequest) -> Response:
        kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await body_of(http, max_body_bytes)
        models = predictor.current()
        rows = checked_rows(
            rows_of(body, kind), models, predictor.models.settings.service.max_batch
        )
        probabilities = await predictor.probabilities(rows, models, request_of(http))
        return Response(
            to_json({"predictions": [{"churn_probability": p} for p in probabilities]}),
            media_type=JSON,
        )

    return router


def rows_of(body: bytes, kind: str) -> list[Mapping[str, Any]]:
    """The rows of a body. Problem 400 for a form that the protocol does not have."""
    if kind == CSV:
        return list(_csv_rows(body))
    if kind != JSON:
        raise Problem(415, f"content-type: must be {JSON} or {CSV}.")
    try:
        content = from_json(body)
    except ValueError:
        raise Problem(400, "body: must be JSON.") from None
    given = [form for form in FORMS if isinstance(content, dict) and form in content]
    if len(given) != 1 or set(content) - {*FORMS, "params"}:
        raise Problem(400, f"body: must have exactly one of {', '.join(FORMS)}, and no other key.")
    (form,) = given
    value = content[form]
    if form == "dataframe_split":
        return _split_rows(value)
    if form == "inputs" and isinstance(value, dict):
        value = _column_rows(value)
    if not (isinstance(value, list) and all(isinstance(row, dict) for row in value)):
        raise Problem(400, f"{form}: must be a list of objects with the features by name.")
    return value


def checked_rows(
    rows: Sequence[Mapping[str, Any]], models: Models, most: int
) -> list[dict[str, Any]]:
    """The rows with the features of the model, checked as those of /predict. Problem 422."""
    if not 1 <= len(rows) <= most:
        raise Problem(422, f"body: must have 1 to {most:,} rows, got {len(rows):,}.")
    known = models.requests.features.model_fields
    plain = [{k: _null_for_nan(v) for k, v in row.items() if k in known} for row in rows]
    adapter = TypeAdapter(list[models.requests.features])  # type: ignore[name-defined]
    try:
        return [features_of(row) for row in adapter.validate_python(plain)]
    except ValidationError as error:
        raise invalid(error) from None


def _null_for_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _split_rows(value: Any) -> list[Mapping[str, Any]]:
    try:
        split = Split.model_validate(value)
        return [dict(zip(split.columns, row, strict=True)) for row in split.data]
    except ValueError:  # also pydantic's
        raise Problem(
            400, "dataframe_split: must have columns and data, with one value per column."
        ) from None


def _column_rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    try:
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    except (TypeError, ValueError):
        raise Problem(400, "inputs: must be lists of one length, by feature.") from None


def _csv_rows(body: bytes) -> Iterable[dict[str, Any]]:
    try:
        for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig"))):
            yield {str(name): _csv_value(value) for name, value in row.items()}
    except (UnicodeDecodeError, csv.Error):
        raise Problem(400, "body: must be CSV in UTF-8 with a header.") from None


def _csv_value(text: Any) -> Any:
    """CSV has no types: a number where it reads as one, true and false, empty: null."""
    if not isinstance(text, str) or text == "":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text
