"""The routes: read and check the request, call the predictor, send its bytes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from service import schemas
from service.middleware import too_large
from service.predictor import UNKNOWN_CUSTOMER, Predictor, Request
from service.problems import MEDIA_TYPE, Problem, ProblemDetails, invalid
from service.records import Record

JSON = "application/json"
PROBLEM = {"model": ProblemDetails, "content": {MEDIA_TYPE: {}}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the OpenAPI document."""
    schema = {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}
    texts = {
        400: "The body is no JSON",
        401: "The API key is missing or not valid",
        404: "No such customer at the last closed day",
        409: "The payment_id was sent before with other values",
        413: "The body is too large",
        415: "The body has another media type than application/json",
        422: "The body breaks the schema",
        429: "Too many requests",
        503: "There is no champion, or no features can be read",
    }
    return {s: {"description": texts[s], "content": {MEDIA_TYPE: schema}} for s in statuses}


def request_of(http: HttpRequest) -> Request:
    """What belongs to the request, as the middleware noted it."""
    state = http.scope["state"]
    return Request(state["request_id"], state["request_at"], state["began"])


async def body_of(http: HttpRequest, most: int) -> bytes:
    """The body. Problem 413 beyond `most` bytes, also without a content-length."""
    parts, size = [], 0
    async for part in http.stream():
        size += len(part)
        if size > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


def checked(adapter: TypeAdapter[Any], body: bytes) -> Any:
    """The body as its model. Problem 400 or 422 if it breaks the schema."""
    try:
        return adapter.validate_json(body)
    except ValidationError as error:
        raise invalid(error, schemas.RequestSchema.TAGS) from None


def need_json(http: HttpRequest) -> None:
    """Problem 415 for another media type."""
    kind = http.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Problem(415, f"content-type: must be {JSON}, and the body a JSON object.")


def features_of(body: Any) -> dict[str, Any]:
    """The given features. Facts that the request does not name are left out."""
    given: dict[str, Any] = body.__dict__
    unset = given.keys() - body.model_fields_set
    return {name: given[name] for name in given if name not in unset} if unset else given


def prediction_routes(predictor: Predictor, max_body_bytes: int) -> APIRouter:
    """The routes about customers."""
    router = APIRouter()

    @router.post(
        "/predict",
        summary="The churn risk of one customer, with its five strongest factors",
        description="By customer_id with the features of the last closed day (fresh: with those of "
        "the open day where they are known), or with features.",
        response_model=schemas.Answer,
        responses=problems(400, 401, 404, 413, 415, 422, 429, 503),
        tags=["predictions"],
    )
    async def predict(http: HttpRequest) -> Response:
        need_json(http)
        body = await body_of(http, max_body_bytes)
        models, request = predictor.current(), request_of(http)
        asked = checked(models.requests.one, body)
        if isinstance(asked, schemas.ById):
            answer = await predictor.by_id(asked.customer_id, models, request, is_fresh=asked.fresh)
        else:
            row = features_of(asked.features)
            answer = predictor.from_features(row, asked.customer_id, models=models, request=request)
        return Response(answer, media_type=JSON)

    @router.post(
        "/predict/batch",
        summary="The churn risk of many customers",
        response_model=schemas.BatchAnswer,
        responses=problems(400, 401, 413, 415, 422, 429, 503),
        tags=["predictions"],
    )
    async def predict_batch(http: HttpRequest) -> Response:
        need_json(http)
        body = await body_of(http, max_body_bytes)
        models, request = predictor.current(), request_of(http)
        asked = checked(models.requests.batch, body)
        if hasattr(asked, "customer_ids"):
            answer = await predictor.batch_by_id(
                asked.customer_ids, models, request, is_fresh=asked.fresh
            )
        else:
            rows = [(features_of(row.features), row.customer_id) for row in asked.rows]
            answer = await predictor.batch_from_features(rows, models, request)
        return Response(answer, media_type=JSON)

    @router.get(
        "/features/{customer_id}",
        summary="The features of a customer at the last closed day",
        response_model=schemas.CustomerFeatures,
        responses=problems(401, 404, 429, 503),
        tags=["customers"],
    )
    async def features(customer_id: str) -> Response:
        record = await _record(predictor, customer_id)
        facts = {"customer_id": customer_id, "as_of": record.as_of, "source": record.source}
        return Response(to_json({**facts, "features": record.features}), media_type=JSON)

    @router.get(
        "/customers/{customer_id}",
        summary="Segment, value and risk of a customer in the gold tables",
        response_model=schemas.Customer,
        responses=problems(401, 404, 429, 503),
        tags=["customers"],
    )
    async def customer(customer_id: str) -> Response:
        record = await _record(predictor, customer_id)
        facts: dict[str, Any] = {"customer_id": customer_id, "as_of": record.as_of}
        facts["source"] = record.source
        live = predictor.live.of(customer_id)
        facts |= {"engagement_live": live.shown, "engagement_live_basis": live.basis}
        return Response(to_json({**facts, **record.profile}), media_type=JSON)

    return router


async def _record(predictor: Predictor, customer_id: str) -> Record:
    records, _ = await predictor.lookup.many([customer_id])
    record = records[customer_id]
    if record is None:
        raise Problem(404, UNKNOWN_CUSTOMER)
    return record
