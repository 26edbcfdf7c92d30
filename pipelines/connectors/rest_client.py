"""Requests to one REST API: rate limit, retries with back-off, renewed tokens, checked answers.

Bodies of answers and headers are never shown: they may hold personal data or secrets.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
)

from pipelines.connectors.access import Access
from runtime.errors import SourceError
from runtime.http_client import http_client, http_date, seconds_to_wait
from runtime.settings.fetch import FetchLimits, FetchSettings
from runtime.wording import plural

# Statuses that pass with time.
_PASSING = {408, 425, 429, 500, 502, 503, 504}
# Keys of an error's JSON that name its kind. A value is shown only if it is one word.
_KINDS = ("policyName", "category", "errorCode", "error", "code")
_WORD = re.compile(r"[A-Za-z][A-Za-z_]{1,60}")
SAFE = "Nothing was lost: the next fetch_sources continues here."


@dataclass(frozen=True)
class Request:
    """One request. params and body are as sent; a link of an answer has neither."""

    method: str
    url: str
    params: Mapping[str, str] | None = None
    body: Any = None


@dataclass(frozen=True)
class Answer:
    """The JSON of an answer, and the time of the service in unix seconds."""

    content: Any
    sent_at: float


class RefusedError(SourceError):
    """The service refuses the request itself (400, 404, 410), for example an old page token."""


class _PassingError(SourceError):
    """The request may succeed later. wait_seconds: what the service asks for."""

    def __init__(self, message: str, wait_seconds: float | None = None) -> None:
        super().__init__(message)
        self.wait_seconds = wait_seconds


class RestClient:
    """The client of one source.

    clock: unix seconds. sleep: waits so many seconds.
    """

    def __init__(
        self,
        source: str,
        settings: FetchSettings,
        limits: FetchLimits,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source, self.settings, self.limits = source, settings, limits
        self._clock, self._sleep = clock, sleep
        self._client = http_client(limits.timeout_seconds)
        self._access = Access(source, settings.access, self._post_form)
        self._next_at = 0.0

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def ask(self, request: Request) -> Answer:
        """The answer to one request. A token that the service refuses is replaced once.

        RefusedError: 400, 404 or 410. SourceError: any other failure, after the retries.
        """
        try:
            return self._tried(lambda: self._sent(request, self._access.headers()))
        except _UnauthorizedError:
            if not self._access.can_renew:
                raise
            self._access.drop_token()
            return self._tried(lambda: self._sent(request, self._access.headers()))

    def _post_form(self, url: str, form: Mapping[str, str]) -> Any:
        return self._tried(lambda: self._sent(Request("POST", url), {}, form)).content

    def _tried(self, send: Callable[[], Answer]) -> Answer:
        retrying = Retrying(
            retry=retry_if_exception_type(_PassingError),
            stop=self._is_enough,
            wait=self._wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(send)
        except _PassingError as error:
            asks = error.wait_seconds
            if asks is not None and asks > self.limits.longest_wait_seconds:
                raise SourceError(
                    f"{error} and asks to wait {asks:,.0f} s, longer than "
                    f"fetch.longest_wait_seconds ({self.limits.longest_wait_seconds:,.0f}). {SAFE} "
                    f"Run it after that time."
                ) from None
            raise SourceError(
                f"{error}, also at try {self.limits.tries} (fetch.tries). {SAFE} Check the "
                f"service and sources.{self.source}.fetch, then run it again."
            ) from None

    def _is_enough(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        asks = error.wait_seconds if isinstance(error, _PassingError) else None
        is_long = asks is not None and asks > self.limits.longest_wait_seconds
        return is_long or stop_after_attempt(self.limits.tries)(state)

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next try: exponential back-off, or Retry-After if it is longer."""
        longest = self.limits.longest_wait_seconds
        backoff = wait_exponential(multiplier=self.limits.first_wait_seconds, max=longest)(state)
        error = state.outcome.exception() if state.outcome else None
        asks = error.wait_seconds if isinstance(error, _PassingError) else None
        return max(backoff, asks or 0.0)

    def _sent(
        self, request: Request, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> Answer:
        self._keep_to_rate()
        try:
            with self._client.stream(
                request.method,
                request.url,
                params=request.params,
                json=request.body,
                data=form,
                headers={"Accept": "application/json", **self.settings.headers, **headers},
            ) as reply:
                body = self._body(reply, request)
        except httpx2.TimeoutException:
            raise _PassingError(f"{self._name(request)} does not answer in time") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            raise _PassingError(f"{self._name(request)} cannot be reached") from None
        if reply.status_code >= 300:
            raise self._error(request, reply, body)
        content = _parsed(body)
        if content is None:
            is_html = body.lstrip()[:1] == b"<"
            raise _PassingError(
                f"{self._name(request)} answers {'HTML' if is_html else 'a text'} instead of JSON "
                f"(status {reply.status_code})"
            )
        return Answer(content, http_date(reply.headers.get("Date")) or self._clock())

    def _keep_to_rate(self) -> None:
        now = self._clock()
        if now < self._next_at:
            self._sleep(self._next_at - now)
        self._next_at = max(now, self._next_at) + 1 / self.settings.requests_per_second

    def _body(self, reply: httpx2.Response, request: Request) -> bytes:
        parts, size = [], 0
        for part in reply.iter_bytes():
            size += len(part)
            if size > self.limits.max_page_bytes:
                most = plural(self.limits.max_page_bytes, "byte")
                raise SourceError(
                    f"{self._name(request)} answers with more than {most} (fetch.max_page_bytes). "
                    f"{SAFE} Ask for fewer records per page, or raise the limit."
                )
            parts.append(part)
        return b"".join(parts)

    def _error(self, request: Request, reply: httpx2.Response, body: bytes) -> SourceError:
        status, content = reply.status_code, _parsed(body)
        kinds = content if isinstance(content, dict) else {}
        words = [kinds[k] for k in _KINDS if isinstance(kinds.get(k), str)]
        kind = next((f" ({word})" for word in words if _WORD.fullmatch(word)), "")
        message = f"{self._name(request)} answers {status}{kind}"
        if status in _PASSING:
            return _PassingError(
                message, seconds_to_wait(reply.headers.get("Retry-After"), self._clock())
            )
        access = f"sources.{self.source}.fetch.access"
        if status == 401:
            return _UnauthorizedError(
                f"{message}: the key or token is refused. {SAFE} Check the variables that {access} "
                f"names."
            )
        if status == 403:
            return SourceError(
                f"{message}: the key or token does not allow this request. {SAFE} Grant it the "
                f"scope, or fix {access}."
            )
        kind_of_error = RefusedError if status in (400, 404, 410) else SourceError
        return kind_of_error(f"{message}. {SAFE} Fix sources.{self.source}.fetch.")

    def _name(self, request: Request) -> str:
        """Source and address, without what follows the path: a link may hold a key."""
        parts = urlsplit(request.url)
        return f"source {self.source}: {parts.scheme}://{parts.netloc}{parts.path}"


class _UnauthorizedError(SourceError):
    """401: the key or token is refused."""


def _parsed(body: bytes) -> Any:
    """The JSON of a body. None: it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
