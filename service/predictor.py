"""From a checked request to the bytes of an answer: look up, score, explain, log."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from models.encoding import FeatureValueError
from service.answers import AnswerMaker
from service.champion import ModelHolder, Models
from service.inference_log import InferenceLog
from service.live_engagement import NOBODY, Live, LiveEngagement
from service.log_rows import GIVEN, OPEN_DAY, LoggedAnswer
from service.lookup import UNAVAILABLE, Lookup
from service.metrics import Metrics
from service.problems import Problem
from service.records import Record

UNKNOWN_CUSTOMER = (
    "customer_id: no customer of the last closed day has this id. Check the id, or send the "
    "features themselves."
)
CLOSED_DAY = "closed_day"


@dataclass(frozen=True)
class Request:
    """What belongs to one HTTP request. request_at: seconds since 1970; began: perf_counter."""

    request_id: str
    request_at: float
    began: float


@dataclass(frozen=True)
class Asked:
    """One customer to answer about. record: None if the features were given.

    given: these features. live: engagement now. fresh: features of the open day, which replace
    those of the record. position: place in a batch.
    """

    customer_id: str | None
    given: Mapping[str, Any] = field(default_factory=dict)
    live: Live = NOBODY
    record: Record | None = None
    fresh: Mapping[str, Any] = field(default_factory=dict)
    position: int = 0

    @property
    def row(self) -> Mapping[str, Any]:
        """The features that are scored, by name."""
        if self.record is None:
            return self.given
        return {**self.record.features, **self.fresh} if self.fresh else self.record.features

    @property
    def source(self) -> str:
        """features_source of gold.inference_log."""
        return OPEN_DAY if self.fresh else self.record.source if self.record else GIVEN

    @property
    def basis(self) -> str:
        """features_basis of the answer."""
        return self.source if self.source in (OPEN_DAY, GIVEN) else CLOSED_DAY

    @property
    def logged(self) -> bytes | Mapping[str, Any]:
        """features of gold.inference_log."""
        if self.record is None or not self.fresh:
            return self.record.features_json if self.record else self.given
        return {"as_of": self.record.as_of, **self.row}


class Predictor:
    """Answers with the models of the holder at the moment of the request."""

    def __init__(
        self,
        models: ModelHolder,
        lookup: Lookup,
        maker: AnswerMaker,
        *,
        live: LiveEngagement,
        log: InferenceLog,
        metrics: Metrics,
    ) -> None:
        self.models, self.lookup, self.maker, self.live = models, lookup, maker, live
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

    async def by_id(
        self, customer_id: str, models: Models, request: Request, *, is_fresh: bool = False
    ) -> bytes:
        """The answer about a customer of the last closed day. Problem 404: unknown.

        is_fresh: with the features of the open day. Such an answer is not cached.
        """
        cached = None
        if is_fresh:
            records, cache = await self.lookup.many([customer_id])
            record = records[customer_id]
        else:
            record, cached, cache = await self.lookup.one(customer_id, models)
        if record is None:
            self._log_unknown(customer_id, request, 0)
            raise Problem(404, UNKNOWN_CUSTOMER)
        asked = self._asked(customer_id, record, is_fresh=is_fresh)
        if cached is None:
            body = self._bodies([asked], models)[0]
            cached = to_json(body)
            if cache == "miss":
                self.lookup.keep(models, customer_id, stamp=record.stamp, answer=cached)
        else:
            body = from_json(cached)
        return self._answered(asked, body, cached, request, cache=cache)

    def from_features(
        self, row: Mapping[str, Any], customer_id: str | None, *, models: Models, request: Request
    ) -> bytes:
        """The answer about given features."""
        asked = Asked(customer_id, row, self.live.of(customer_id))
        body = self._bodies([asked], models)[0]
        return self._answered(asked, body, to_json(body), request, cache=self._cache_of_given())

    async def batch_by_id(
        self, customer_ids: Sequence[str], models: Models, request: Request, *, is_fresh: bool
    ) -> bytes:
        """Answers in the order of the ids. An unknown customer has status 404 and a detail."""
        records, cache = await self.lookup.many(customer_ids)

        def all_asked() -> list[Asked | None]:
            return [
                self._asked(c, record, is_fresh=is_fresh, position=position) if record else None
                for position, c in enumerate(customer_ids)
                for record in (records[c],)
            ]

        asked = await asyncio.to_thread(all_asked)  # 40 µs each
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
        asked = [Asked(c, row, self.live.of(c), position=n) for n, (row, c) in enumerate(rows)]
        cache = self._cache_of_given()
        return _batch_body(await self._batch(asked, models, request, cache=cache), request)

    async def probabilities(
        self, rows: Sequence[Mapping[str, Any]], models: Models, request: Request
    ) -> list[float]:
        """The probabilities of given rows, for MLflow's protocol."""
        asked = [Asked(None, row, position=n) for n, row in enumerate(rows)]
        bodies = await asyncio.to_thread(self._bodies, asked, models)
        for body, about in zip(bodies, asked, strict=True):
            self._log(body, about, request)
        return [body["churn_probability"] for body in bodies]

    async def _batch(
        self, asked: Sequence[Asked], models: Models, request: Request, *, cache: str
    ) -> list[bytes]:
        # In a thread: other requests are answered meanwhile.
        bodies = await asyncio.to_thread(self._bodies, asked, models)
        return [
            self._answered(about, body, to_json(body), request, cache=cache)
            for body, about in zip(bodies, asked, strict=True)
        ]

    def _asked(
        self, customer_id: str, record: Record, *, is_fresh: bool, position: int = 0
    ) -> Asked:
        live = self.live.of(customer_id)
        fresh = live.features_since(record.as_of) if is_fresh else {}
        return Asked(customer_id, live=live, record=record, fresh=fresh, position=position)

    def _answered(
        self, asked: Asked, body: Mapping[str, Any], answer: bytes, request: Request, *, cache: str
    ) -> bytes:
        """Log and count an answer, and add what is not cached with it before its own fields."""
        self._log(body, asked, request)
        self.metrics.answers.labels(body["arm"], cache, asked.source).inc()
        first = {
            "request_id": request.request_id,
            "cache": cache,
            "engagement_live": asked.live.shown,
            "engagement_live_basis": asked.live.basis,
            "features_basis": asked.basis,
            "open_day_features": [*asked.fresh],
        }
        return to_json(first)[:-1] + b"," + answer[1:]

    def _bodies(self, asked: Sequence[Asked], models: Models) -> list[dict[str, Any]]:
        """The answers of all arms, without what belongs to the single request."""
        bodies: list[dict[str, Any]] = [{} for _ in asked]
        by_arm: dict[str, list[int]] = {}
        all_rows = [about.row for about in asked]
        arms = [
            models.arm(about.customer_id, row) for about, row in zip(asked, all_rows, strict=True)
        ]
        for position, (arm, _) in enumerate(arms):
            by_arm.setdefault(arm, []).append(position)
        for arm, positions in by_arm.items():
            served = arms[positions[0]][1]
            rows = [all_rows[k] for k in positions]
            try:
                scored = served.scores(rows)
            except FeatureValueError as error:
                raise Problem(422, f"features: {error}") from None
            for k, score in zip(positions, scored, strict=True):
                about = asked[k]
                bodies[k] = {
                    "customer_id": about.customer_id,
                    "as_of": about.record.as_of if about.record else None,
                    **self.maker.body(all_rows[k], score, served=served, arm=arm),
                }
        return bodies

    def _cache_of_given(self) -> str:
        """Answers about given features are not cached; they say too if Redis is away."""
        return UNAVAILABLE if self.lookup.store.redis.is_open else "off"

    def _log(self, body: Mapping[str, Any], asked: Asked, request: Request) -> None:
        self.log.add(
            LoggedAnswer(
                request.request_id,
                asked.position,
                request.request_at,
                body["customer_id"],
                asked.logged,
                body["as_of"],
                asked.source,
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


def _batch_body(items: Sequence[bytes], request: Request) -> bytes:
    return b'{"request_id":"%b","answers":[%b]}' % (request.request_id.encode(), b",".join(items))
