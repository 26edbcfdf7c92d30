"""Errors as application/problem+json (RFC 9457). None of them repeats what the client sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
# Shown errors of one body. A batch of 1,000 customers can have 70,000.
MOST_ERRORS = 20


class FieldError(BaseModel):
    """One error of a body. pointer: where, as a JSON pointer (RFC 6901)."""

    pointer: str
    detail: str


class ProblemDetails(BaseModel):
    """What went wrong, the rule and the fix."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "customer_id: no customer of the last closed day has this id. "
                    "Check the id, or send the features themselves.",
                    "request_id": "0b0f4a52d4b34b1a8f0c2f3a7a3b2a11",
                }
            ]
        }
    )

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None


class Problem(Exception):  # noqa: N818 - the name of the media type
    """An answer that is an error. `detail`: what happened, the rule and the fix."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldError] = (),
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors = status, detail, list(errors)
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> Response:
        """The response, with the id of the request."""
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = [error.model_dump() for error in self.errors]
        return Response(to_json(body), self.status, self.headers, media_type=MEDIA_TYPE)


def invalid(error: ValidationError, skipped: Iterable[str] = (), *, status: int = 422) -> Problem:
    """The problem of a body that breaks the schema.

    skipped: tags of a union, which are no part of the body. 400 if the body is no JSON.
    """
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Problem(400, f"body: must be JSON, got {faults[0]['msg']}. Send a JSON object.")
    errors = [
        FieldError(pointer=_pointer(fault["loc"], set(skipped)), detail=fault["msg"])
        for fault in faults[:MOST_ERRORS]
    ]
    more = f" (the first {MOST_ERRORS} are listed)" if len(faults) > MOST_ERRORS else ""
    return Problem(
        status,
        f"body: breaks the schema of the request in {len(faults)} places{more}. "
        "/openapi.json has the schema, and /docs shows examples.",
        errors,
    )


def _pointer(place: Sequence[int | str], skipped: set[str]) -> str:
    parts = [str(part) for n, part in enumerate(place) if not (n == 0 and part in skipped)]
    return "".join("/" + part.replace("~", "~0").replace("/", "~1")[:100] for part in parts)
