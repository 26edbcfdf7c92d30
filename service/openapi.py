"""The OpenAPI document. Bodies of requests have the features of the champion of the moment."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.champion import ModelHolder
from service.fraud_schemas import PAYMENT
from service.middleware import KEY_HEADER, OPEN_PATHS
from service.problems import ProblemDetails

REFERENCE = "#/components/schemas/{model}"
DESCRIPTION = (
    "Churn risk of customers, its factors and recommended actions. Answers by customer_id use the "
    "features of the last closed day, and equal the scored tables."
)


class Document:
    """Made again when the models change."""

    def __init__(self, app: FastAPI, models: ModelHolder, has_keys: bool) -> None:
        self.app, self.models, self.has_keys = app, models, has_keys
        self._key: str | None = None
        self._document: dict[str, Any] = {}

    def __call__(self) -> dict[str, Any]:
        """The document as a dict."""
        now = self.models.current
        key = now.key if now else ""
        if self._key != key:
            self._document, self._key = self._made(), key
        return self._document

    def _made(self) -> dict[str, Any]:
        app = self.app
        made = get_openapi(
            title=app.title, version=app.version, description=DESCRIPTION, routes=app.routes
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        problem = ProblemDetails.model_json_schema(ref_template=REFERENCE)
        schemas.update(problem.pop("$defs"))
        schemas["ProblemDetails"] = problem
        payment = PAYMENT.json_schema(ref_template=REFERENCE)
        made["paths"]["/fraud/score"]["post"]["requestBody"] = _body(payment)
        now = self.models.current
        if now is not None:
            for path, adapter in {
                "/predict": now.requests.one,
                "/predict/batch": now.requests.batch,
                "/invocations": now.requests.invocation,
            }.items():
                schema = adapter.json_schema(ref_template=REFERENCE)
                schemas.update(schema.pop("$defs", {}))
                made["paths"][path]["post"]["requestBody"] = _body(schema)
        for path, methods in made["paths"].items():
            for route in methods.values():
                if "requestBody" not in route:  # FastAPI's own error, which a path cannot have
                    route["responses"].pop("422", None)
                if self.has_keys and path not in OPEN_PATHS:
                    route["security"] = [{"ApiKey": []}]
        if self.has_keys:
            made["components"]["securitySchemes"] = {
                "ApiKey": {"type": "apiKey", "in": "header", "name": KEY_HEADER}
            }
        return made


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}
