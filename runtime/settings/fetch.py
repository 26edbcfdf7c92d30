"""Settings of sources that are fetched from a REST API."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from runtime.settings.addresses import private_url
from runtime.settings.core import Section

# Replaced in values of params and body. An entry with PAGE is left out of the first request.
CURSOR, PAGE = "{cursor}", "{page}"


class FetchLimits(Section):
    """Limits of fetch_sources, for all sources."""

    tries: int = Field(ge=1, le=100)
    first_wait_seconds: float = Field(gt=0)
    longest_wait_seconds: float = Field(gt=0)
    timeout_seconds: float = Field(gt=0)
    max_page_bytes: int = Field(ge=1_000, le=1_000_000_000)


class AccessSettings(Section):
    """How a request proves who sends it. Secrets stand in variables of the environment.

    bearer: the token. basic: the password of `user`. header: the value of the header `header`.
    oauth2: the client secret; with `refresh_token_variable` the grant is refresh_token, else
    client_credentials.
    """

    kind: Literal["none", "bearer", "basic", "header", "oauth2"]
    secret_variable: str | None = None
    user: str | None = None
    header: str | None = None
    login_url: str | None = None
    client_id: str | None = None
    scope: str | None = None
    refresh_token_variable: str | None = None

    _login_is_private = field_validator("login_url")(private_url)

    @model_validator(mode="after")
    def _is_complete(self) -> AccessSettings:
        needs = {
            "none": (),
            "bearer": ("secret_variable",),
            "basic": ("secret_variable", "user"),
            "header": ("secret_variable", "header"),
            "oauth2": ("secret_variable", "login_url", "client_id"),
        }[self.kind]
        if lacking := [name for name in needs if not getattr(self, name)]:
            raise ValueError(f"kind {self.kind} needs {', '.join(lacking)}")
        return self


class PagingSettings(Section):
    """How an answer leads to the next page. Paths name keys of the answer, such as paging.next.

    cursor: `next` is the path of a token, which replaces {page}. link: `next` is the path of the
    address of the next page. offset: {page} is the number of records read so far; a page with fewer
    than `page_size` records is the last one. more, last: paths of a boolean that says whether pages
    follow, or whether this is the last page.
    """

    kind: Literal["none", "cursor", "link", "offset"]
    next: str | None = None
    more: str | None = None
    last: str | None = None
    page_size: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _is_complete(self) -> PagingSettings:
        if self.kind in ("cursor", "link") and not self.next:
            raise ValueError(f"kind {self.kind} needs next, the path of the next page")
        if self.kind == "offset" and self.page_size is None:
            raise ValueError("kind offset needs page_size, the number of records of a full page")
        return self


class CursorSettings(Section):
    """The value of a record that says when it changed. The next run asks for later values only.

    field: its path in a record. form: how {cursor} is written: iso, epoch_ms, epoch_s, or number
    for a value that is no time. start: the value of the first run. overlap: each run asks again for
    so many seconds before the highest value (with form number: so many units), because records may
    arrive late and clocks differ. is_ascending: the API sorts by `field`, so that each page can
    start at the highest value so far.
    """

    field: str
    form: Literal["iso", "epoch_ms", "epoch_s", "number"]
    start: str
    overlap: int = Field(ge=0)
    is_ascending: bool = False

    @field_validator("start", mode="before")
    @classmethod
    def _is_text(cls, start: Any) -> str:
        # YAML reads 2015-01-01 as a date and 0 as a number.
        return start.isoformat() if hasattr(start, "isoformat") else str(start)


class FetchSettings(Section):
    """One REST API, whose records fetch_sources stores as JSON lines in the source's path."""

    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    # Path of the list of records in an answer. None: the answer is the list.
    records: str | None
    access: AccessSettings
    paging: PagingSettings
    cursor: CursorSettings | None = None
    requests_per_second: float = Field(default=4.0, gt=0)

    _url_is_private = field_validator("url")(private_url)

    @model_validator(mode="after")
    def _placeholders_fit(self) -> FetchSettings:
        text = json.dumps([self.params, self.body], default=str)
        if self.paging.kind in ("cursor", "offset") and PAGE not in text:
            raise ValueError(f"paging.kind {self.paging.kind} needs {PAGE} in params or body")
        if self.cursor is not None and CURSOR not in text:
            raise ValueError(f"cursor needs {CURSOR} in params or body")
        if self.body is not None and self.method == "GET":
            raise ValueError("body needs method: POST")
        return self
