"""Routes for operators: health, figures, the versions that answer, and the page of the API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.responses import HTMLResponse, JSONResponse, Response

from service import schemas
from service.docs_page import page
from service.metrics import Metrics
from service.predictor import Predictor
from service.routes import problems


class Health(BaseModel):
    """ok: the process answers."""

    status: str
    redis: str | None = None
    model_version: str | None = None


def operation_routes(app: FastAPI, predictor: Predictor, metrics: Metrics) -> APIRouter:
    """The routes that are not about a customer."""
    router = APIRouter()

    @router.get("/health/live", summary="The process answers", tags=["operation"])
    async def live() -> Health:
        return Health(status="ok")

    @router.get(
        "/health/ready",
        summary="A champion is loaded",
        description="Redis is not needed: without it the features come from Delta.",
        responses=problems(503),
        tags=["operation"],
    )
    async def ready() -> Health:
        models, redis = predictor.current(), predictor.lookup.store.redis
        return Health(
            status="ok",
            redis="unavailable" if redis.is_open else "ok",
            model_version=models.champion.version,
        )

    @router.get("/model", summary="The versions that answer", responses=problems(401, 429, 503))
    async def model() -> schemas.ModelInfo:
        models = predictor.current()
        served = models.champion
        return schemas.ModelInfo(
            model_name=served.registered.name,
            version=served.version,
            learner=served.model.metadata.get("model_name", ""),
            horizon_days=predictor.maker.horizon_days,
            decision_threshold=served.thresholds["model"],
            challenger=models.challenger.version if models.challenger else None,
            experiment_id=models.experiment_id,
            challenger_share=models.share if models.experiment_id else 0.0,
            features=list(served.model.encoder.feature_names),
        )

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        tags=["operation"],
    )
    async def figures() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def docs() -> HTMLResponse:
        document: dict[str, Any] = app.openapi()
        return HTMLResponse(page(document))

    async def document() -> JSONResponse:
        return JSONResponse(app.openapi())

    router.add_api_route("/openapi.json", document, include_in_schema=False)
    for path in ("/", "/docs"):
        router.add_api_route(path, docs, include_in_schema=False, response_class=HTMLResponse)
    return router
