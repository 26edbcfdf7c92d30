"""From a checked request to the bytes of an answer: look up, score, explain, log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from models.encoding import FeatureValueError
from service.answers import AnswerMaker
from service.champion import ModelHolder, Models
from service.inference_log import InferenceLog
from service.log_rows import LoggedAnswer
from service.lookup import UNAVAILABLE, Lookup
from service.metrics import Metrics
from service.problems import Problem
from service.records import Record

UNKNOWN_CUSTOMER = (
    "customer_id: no customer of the last closed day has this id. Check the id, or send the "
    "features themselves."
)
GIVEN = "request"


@dataclass(frozen=True)
class Request:
    """What belongs to one HTTP request. request_at: seconds since 1970; began: perf_counter."""

    request_id: str
    request_at: float
    began: float


@dataclass(frozen=True)
class Asked:
    """One customer to answer about. row: features by name. record: None if they were given.

    position: place in a batch.
    """

    customer_id: str | None
    row: Mapping[str, Any]
    record: Record | None = None
    position: int = 0


class Predictor:
    """Answers with the models of the holder at the moment of the request."""

    def __init__(
        self,
        models: ModelHolder,
        lookup: Lookup,
        maker: AnswerMaker,
        *,
        log: InferenceLog,
        metrics: Metrics,
    ) -> None:
        self.models, self.lookup, self.maker = models, lookup, maker
        self.log, self.metrics = log, metrics

    def current(self) -> Models:
        """The models that answer now. Problem 503 if there is no champion."""
        models = self.models.current
        if models is None:
            reason = self.models.fault or (
                "no model is registered as champion. Run `holdfast train_churn`, `validate_model` "
                "and `deploy_model` first."
            )
            raise Problem(503, reason, headers={"Retry-After": "5"})
        return models

    async def by_id(self, customer_id: str, models: Models, request: Request) -> bytes:
        """The answer about a customer of the last closed day. Problem 404: unknown."""
        record, cached, cache = await self.lookup.one(customer_id, models)
        if record is None:
            self._log_unknown(customer_id, request, 0)
            raise Problem(404, UNKNOWN_CUSTOMER)
        if cached is None:
            asked = Asked(customer_id, record.features, record)
            body = self._bodies([asked], models)[0]
            cached = to_json(body)
            if cache == "miss":
                self.lookup.keep(models, customer_id, stamp=record.stamp, answer=cached)
        else:
            body = from_json(cached)
        self._log(body, record.features_json, record.source, request, position=0)
        self.metrics.answers.labels(body["arm"], cache, record.source).inc()
        return _with_request(cached, request, cache)

    def from_features(
        self, row: Mapping[str, Any], customer_id: str | None, *, models: Models, request: Request
    ) -> bytes:
        """The answer about given features."""
        body = self._bodies([Asked(customer_id, row)], models)[0]
        cache = self._cache_of_given()
        self._log(body, row, GIVEN, request, position=0)
        self.metrics.answers.labels(body["arm"], cache, GIVEN).inc()
        return _with_request(to_json(body), request, cache)

    async def batch_by_id(
        self, customer_ids: Sequence[str], models: Models, request: Request
    ) -> bytes:
        """Answers in the order of the ids. An unknown customer has status 404 and a detail."""
        records, cache = await self.lookup.many(customer_ids)
        asked = [
            Asked(c, record.features, record, position) if record else None
            for position, c in enumerate(customer_ids)
            for record in (records[c],)
        ]
        bodies = await self._batch([a for a in asked if a], models, request, cache=cache)
        answers = iter(bodies)
        items = []
        for position, (customer_id, known) in enumerate(zip(customer_ids, asked, strict=True)):
            if known is None:
                self._log_unknown(customer_id, request, position)
                missing = {"customer_id": customer_id, "status": 404, "detail": UNKNOWN_CUSTOMER}
                items.append(to_json(missing))
            else:
                items.append(next(answers))
        return _batch_body(items, request)

    async def batch_from_features(
        self, rows: Sequence[tuple[Mapping[str, Any], str | None]], models: Models, request: Request
    ) -> bytes:
        """Answers about given rows of (features, customer_id), in their order."""
        asked = [Asked(c, row, position=n) for n, (row, c) in enumerate(rows)]
        cache = self._cache_of_given()
        return _batch_body(await self._batch(asked, models, request, cache=cache), request)

    async def probabilities(
        self, rows: Sequence[Mapping[str, Any]], models: Models, request: Request
    ) -> list[float]:
        """The probabilities of given rows, for MLflow's protocol."""
        asked = [Asked(None, row, position=n) for n, row in enumerate(rows)]
        bodies = await asyncio.to_thread(self._bodies, asked, models)
        for body, about in zip(bodies, asked, strict=True):
            self._log(body, about.row, GIVEN, request, position=about.position)
        return [body["churn_probability"] for body in bodies]

    async def _batch(
        self, asked: Sequence[Asked], models: Models, request: Request, *, cache: str
    ) -> list[bytes]:
        # In a thread: other requests are answered meanwhile.
        bodies = await asyncio.to_thread(self._bodies, asked, models)
        answers = []
        for body, about in zip(bodies, asked, strict=True):
            source = about.record.source if about.record else GIVEN
            features = about.record.features_json if about.record else about.row
            self._log(body, features, source, request, position=about.position)
            self.metrics.answers.labels(body["arm"], cache, source).inc()
            answers.append(_with_request(to_json(body), request, cache))
        return answers

    def _bodies(self, asked: Sequence[Asked], models: Models) -> list[dict[str, Any]]:
        """The answers of all arms, without what belongs to the single request."""
        bodies: list[dict[str, Any]] = [{} for _ in asked]
        by_arm: dict[str, list[int]] = {}
        arms = [models.arm(about.customer_id, about.row) for about in asked]
        for position, (arm, _) in enumerate(arms):
            by_arm.setdefault(arm, []).append(position)
        for arm, positions in by_arm.items():
            served = arms[positions[0]][1]
            rows = [asked[k].row for k in positions]
            try:
                scored = served.scores(rows)
            except FeatureValueError as error:
                raise Problem(422, f"features: {error}") from None
            for k, score in zip(positions, scored, strict=True):
                about = asked[k]
                bodies[k] = {
                    "customer_id": about.customer_id,
                    "as_of": about.record.as_of if about.record else None,
                    **self.maker.body(about.row, score, served=served, arm=arm),
                }
        return bodies

    def _cache_of_given(self) -> str:
        """Answers about given features are not cached; they say too if Redis is away."""
        return UNAVAILABLE if self.lookup.store.redis.is_open else "off"

    def _log(
        self,
        body: Mapping[str, Any],
        features: bytes | Mapping[str, Any],
        source: str,
        request: Request,
        *,
        position: int,
    ) -> None:
        self.log.add(
            LoggedAnswer(
                request.request_id,
                position,
                request.request_at,
                body["customer_id"],
                features,
                body["as_of"],
                source,
                body["model_version"],
                body["arm"],
                body["churn_probability"],
                body["score_basis"],
                200,
                (time.perf_counter() - request.began) * 1000,
            )
        )

    def _log_unknown(self, customer_id: str, request: Request, position: int) -> None:
        at, took = request.request_at, (time.perf_counter() - request.began) * 1000
        empty = (None, None, "online_store", None, "champion", None, None)
        self.log.add(LoggedAnswer(request.request_id, position, at, customer_id, *empty, 404, took))


def _with_request(answer: bytes, request: Request, cache: str) -> bytes:
    """The answer with the fields of this request before its own."""
    return b'{"request_id":"%b","cache":"%b",%b' % (
        request.request_id.encode(),
        cache.encode(),
        answer[1:],
    )


def _batch_body(items: Sequence[bytes], request: Request) -> bytes:
    return b'{"request_id":"%b","answers":[%b]}' % (request.request_id.encode(), b",".join(items))
