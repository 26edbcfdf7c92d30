"""The application: its parts, put together, and how it starts and stops."""

from __future__ import annotations

import datetime as dt
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from models.encoding import FeatureMismatch, FeatureValueError
from runtime.settings import Settings
from service.access_log import AccessLog
from service.answers import AnswerMaker
from service.champion import ModelHolder, ModelSource
from service.delta_features import DeltaFeatures
from service.fraud_models import FraudModels
from service.fraud_routes import FraudScorer, fraud_routes
from service.fraud_state import FraudState
from service.inference_log import InferenceLog
from service.live_engagement import LiveEngagement
from service.log_rows import LoggedAnswer
from service.lookup import Lookup
from service.metrics import Metrics
from service.middleware import Guard, RequestMiddleware
from service.mlflow_protocol import mlflow_routes
from service.online_store import OnlineStore
from service.openapi import Document
from service.operation_routes import operation_routes
from service.predictor import Predictor
from service.problems import Problem
from service.redis_client import GuardedRedis
from service.routes import prediction_routes
from service.security import ApiKeys, RateLimit
from service.shadow import shadow_answers
from service.spool import spool_of
from service.traces import TraceMiddleware, tracer_provider

log = logging.getLogger("holdfast.service")


@dataclass
class Parts:
    """What the service is made of. is_alone: the process does nothing else."""

    settings: Settings
    models: ModelHolder
    redis: GuardedRedis
    predictor: Predictor
    log: InferenceLog
    metrics: Metrics
    guard: Guard
    access: AccessLog
    fraud: FraudScorer
    is_alone: bool = False

    def start(self) -> None:
        """Load the models and start the log."""
        self.models.start()
        self.fraud.models.start()
        self.predictor.live.start()
        self.log.start()
        self.access.start()
        if self.is_alone:  # the garbage collector then skips what stays: a pass over it takes 50 ms
            gc.collect()
            gc.freeze()

    async def stop(self) -> None:
        """Write the log and close the connections."""
        self.models.stop()
        self.fraud.models.stop()
        self.predictor.live.stop()
        if not self.log.stop(self.settings.service.stop_seconds):
            log.warning("the log is still being written, by a process of its own")
        await self.redis.close()
        self.access.stop()


def parts(
    settings: Settings,
    source: ModelSource,
    write: Callable[[str], object] | None = None,
    *,
    fraud_source: ModelSource | None = None,
) -> Parts:
    """The parts of one environment, not started. write: takes the lines of the access log.

    source, fraud_source: the registered models of churn and of fraud.
    """
    conf = settings.service
    models, redis, metrics = ModelHolder(settings, source), GuardedRedis(conf.redis), Metrics()
    delta = DeltaFeatures(settings)
    store = OnlineStore(redis, settings.env, conf.answer_cache_seconds)

    def shadow(batch: list[LoggedAnswer]) -> Iterable[LoggedAnswer]:
        return shadow_answers(batch, models.current)

    logged = InferenceLog(
        spool_of(settings.root),
        str(settings.root),
        conf.log,
        shadow=shadow if conf.shadow_challenger else None,
    )
    live = LiveEngagement(settings)
    predictor = Predictor(
        models,
        Lookup(store, delta),
        AnswerMaker.of(settings),
        live=live,
        log=logged,
        metrics=metrics,
    )
    metrics.watch(models, redis, logged, live=live)
    keys = ApiKeys(conf, today=lambda: dt.datetime.now(dt.UTC).date(), clock=time.monotonic)
    guard = Guard(keys, RateLimit(conf.requests_per_second, conf.burst), conf.max_body_bytes)
    fraud = FraudScorer(
        settings, FraudState(redis, settings.env), FraudModels(settings, fraud_source), log=logged
    )
    return Parts(
        settings,
        models,
        redis,
        predictor,
        logged,
        metrics,
        guard,
        access=AccessLog(write),
        fraud=fraud,
    )


def application(made: Parts) -> FastAPI:
    """The ASGI application. Starting and stopping it starts and stops the parts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        made.start()
        yield
        await made.stop()

    app = FastAPI(
        title="Holdfast predictions",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=lifespan,
    )
    most = made.settings.service.max_body_bytes
    app.include_router(prediction_routes(made.predictor, most))
    app.include_router(fraud_routes(made.fraud, most))
    app.include_router(mlflow_routes(made.predictor, most))
    app.include_router(operation_routes(app, made.predictor, made.metrics))
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_error)
    for kind in (FeatureMismatch, FeatureValueError):
        app.add_exception_handler(kind, _bad_features)
    app.add_middleware(
        RequestMiddleware, guard=made.guard, metrics=made.metrics, access=made.access
    )
    if made.settings.service.traces:
        app.add_middleware(TraceMiddleware, provider=tracer_provider())
    app.openapi = Document(  # type: ignore[method-assign]
        app, made.models, has_keys=made.guard.keys.are_needed
    )
    return app


def _id_of(http: HttpRequest) -> str:
    return str(http.scope["state"]["request_id"])


async def _problem(http: HttpRequest, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response(_id_of(http))


async def _bad_features(http: HttpRequest, error: Exception) -> Response:
    return Problem(422, str(error)).response(_id_of(http))


async def _http_error(http: HttpRequest, error: Exception) -> Response:
    """Unknown routes and methods."""
    assert isinstance(error, HTTPException)
    texts = {404: "the address does not exist. / lists the routes.", 405: "the route takes "}
    detail = texts.get(error.status_code, str(error.detail))
    if error.status_code == 405:
        detail += f"{(error.headers or {}).get('Allow', 'another method')}."
    return Problem(error.status_code, detail, headers=error.headers).response(_id_of(http))
