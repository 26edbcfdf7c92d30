"""Around each request: id, key, rate limit, size, figures, one line of log."""

from __future__ import annotations

import itertools
import logging
import math
import re
import secrets
import time
from dataclasses import dataclass

from service.access_log import Access, AccessLog
from service.asgi import App, Message, Receive, Scope, Send
from service.metrics import Metrics
from service.problems import Problem
from service.security import ApiKeys, RateLimit

KEY_HEADER = "x-api-key"
# Without a key: what probes and browsers ask. None of it is about a customer.
OPEN_PATHS = {"/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/ping", "/version"}
OPEN_PATHS |= {"/metrics"}
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch
log = logging.getLogger("holdfast.service")


@dataclass
class Guard:
    """What a request must pass before the application sees it."""

    keys: ApiKeys
    limit: RateLimit
    max_body_bytes: int

    def check(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Raise the Problem that refuses the request."""
        if scope["path"] not in OPEN_PATHS:
            self._check_key(scope, headers)
        try:
            length = int(headers.get(b"content-length", b"0"))
        except ValueError:
            raise Problem(400, "content-length: must be a number.") from None
        if length > self.max_body_bytes:
            raise too_large(self.max_body_bytes)

    def _check_key(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        client = (scope.get("client") or ("-",))[0]
        if self.keys.are_needed:
            name = self.keys.name_of(headers.get(KEY_HEADER.encode(), b"").decode("latin-1"))
            if name is None:
                raise Problem(
                    401,
                    f"{KEY_HEADER}: must be a valid API key. Ask the operator for one.",
                    headers={"WWW-Authenticate": "ApiKey"},
                )
            client = name
        seconds = self.limit.wait(client)
        if seconds:
            raise Problem(
                429,
                f"more than {self.limit.per_second:g} requests a second. Wait for the seconds in "
                "Retry-After.",
                headers={"Retry-After": str(math.ceil(seconds))},
            )


def too_large(most: int) -> Problem:
    """The problem of a body that is too large."""
    return Problem(413, f"body: must have at most {most:,} bytes. Send fewer customers at once.")


class RequestMiddleware:
    """Runs the application for one request, and tells what came of it. No body is logged."""

    def __init__(self, app: App, guard: Guard, metrics: Metrics, *, access: AccessLog) -> None:
        self.app, self.guard, self.metrics, self.access = app, guard, metrics, access
        # Unique without a system call per request, which takes 50 µs.
        self.prefix, self.numbers = secrets.token_hex(10), itertools.count()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0
        headers = dict(scope["headers"])
        # Always an own one, which is the key of the log. What the client sent is logged beside it.
        request_id = f"{self.prefix}{next(self.numbers):012x}"
        state = scope.setdefault("state", {})
        state["request_id"], state["began"], state["request_at"] = request_id, began, time.time()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            self.guard.check(scope, headers)
            await self.app(scope, receive, told)
        except Problem as problem:
            await problem.response(request_id)(scope, receive, told)
        except Exception:
            log.exception("request %s failed", request_id)
            if status:  # the answer has begun: the connection must break
                raise
            failed = Problem(500, "the service failed. Report the request_id to the operator.")
            await failed.response(request_id)(scope, receive, told)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path", "other")
            self.metrics.requests.labels(route, str(status)).inc()
            self.metrics.seconds.labels(route).observe(seconds)
            given = headers.get(b"x-request-id", b"")
            client_id = given.decode() if _REQUEST_ID(given) else None
            at, method = state["request_at"], scope["method"]
            self.access.add(Access(at, request_id, client_id, method, route, status, seconds))
