"""POST /fraud/score: count the payment in Redis, score it, answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import time
from typing import Any

from fastapi import APIRouter
from pydantic_core import to_json
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from models.fraud.payments import DAY, Payments
from models.fraud.scoring import FraudScore, degraded, fraud_scores
from runtime.settings import Settings
from service.fraud_models import FraudModels
from service.fraud_schemas import PAYMENT, FraudAnswer
from service.fraud_state import Counted, FraudState
from service.inference_log import InferenceLog
from service.log_rows import ScoredPayment
from service.problems import Problem
from service.redis_client import StoreUnavailableError
from service.routes import JSON, body_of, checked, need_json, problems, request_of
from udfs.micros import EPOCH, moment_of

# A payment may be dated later than the clock of the service by so long.
MOST_AHEAD_SECONDS = 300


class FraudScorer:
    """Decides about payments."""

    def __init__(
        self, settings: Settings, state: FraudState, models: FraudModels, *, log: InferenceLog
    ) -> None:
        self.settings, self.state, self.models, self.log = settings, state, models, log
        self._keeping: set[asyncio.Task[None]] = set()

    async def answer(self, facts: dict[str, Any]) -> bytes:
        """The answer without request_id, as JSON.

        Problem 409: an earlier payment with the same id had other values.
        """
        try:
            # A wrong date far ahead would make every other payment late.
            if not 0 <= facts["paid_at"] <= (time.time() + MOST_AHEAD_SECONDS) * 1e6:
                raise StoreUnavailableError
            counted = await self.state.counted(facts)
        except StoreUnavailableError:
            payments = Payments.single({**facts, "received_at": facts["paid_at"]})
            return self._answered(facts, self._degraded(payments), None, None)
        if counted.is_other:
            raise Problem(
                409,
                "payment_id: was sent before with other values. Send a new payment_id for a new "
                "payment, and the same values for a repeated one.",
            )
        if counted.answer:
            return counted.answer
        text = self._scored(facts, counted)
        task = asyncio.create_task(self.state.keep(facts["payment_id"], text))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)
        return text

    def _scored(self, facts: dict[str, Any], counted: Counted) -> bytes:
        payments = Payments.single({**facts, "received_at": counted.received_at})
        now = self.models.current
        if now is None or not counted.is_complete:
            return self._answered(facts, self._degraded(payments), None, counted.received_at)
        most = self.settings.fraud.degraded_amount
        (score,) = fraud_scores(now.model, payments, counted.state, degraded_amount=most)
        version = None if score.score is None else now.version
        return self._answered(facts, score, version, counted.received_at)

    def _degraded(self, payments: Payments) -> FraudScore:
        return degraded(payments, 0, self.settings.fraud.degraded_amount)

    def _answered(
        self,
        facts: dict[str, Any],
        score: FraudScore,
        version: str | None,
        received_at: int | None,
    ) -> bytes:
        """The answer, which is queued for gold.fraud_scores too."""
        self.log.add(
            ScoredPayment(
                facts["payment_id"],
                facts["customer_id"],
                _day(facts["paid_at"]),
                score.score,
                score.decision,
                score.is_alert,
                score.reason,
                score.basis,
                version,
                time.time(),
            )
        )
        return to_json(
            {
                "payment_id": facts["payment_id"],
                "decision": score.decision,
                "is_alert": score.is_alert,
                "score": score.score,
                "reason": score.reason,
                "top_risk_factors": [
                    {
                        "feature": f.feature,
                        "value": f.value,
                        "impact": f.impact,
                        "direction": f.direction,
                    }
                    for f in score.factors
                ],
                "basis": score.basis,
                "model_version": version,
                "received_at": None if received_at is None else _iso(moment_of(received_at)),
            }
        )


def _day(micros: int) -> str:
    """The day (UTC) of a time, which a client may date before the year 1 or after 9999 in UTC."""
    day = EPOCH.toordinal() + micros // DAY
    return dt.date.fromordinal(min(max(day, 1), dt.date.max.toordinal())).isoformat()


def _iso(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def fraud_routes(scorer: FraudScorer, max_body_bytes: int) -> APIRouter:
    """The route about payments."""
    router = APIRouter()

    @router.post(
        "/fraud/score",
        summary="Approve, review or block a payment",
        description="Counts the payment and decides before it answers. The same payment_id gives "
        "the same answer and counts once.",
        response_model=FraudAnswer,
        responses=problems(400, 401, 409, 413, 415, 422, 429),
        tags=["fraud"],
    )
    async def score(http: HttpRequest) -> Response:
        need_json(http)
        payment = checked(PAYMENT, await body_of(http, max_body_bytes))
        answer = await scorer.answer(payment.facts())
        named = b'{"request_id":' + json.dumps(request_of(http).request_id).encode() + b","
        return Response(named + answer[1:], media_type=JSON)

    return router
