"""The header that proves who sends a request: a key of the environment, or an OAuth 2 token."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from runtime.errors import SourceError, UsageError
from runtime.settings.fetch import AccessSettings

# A token is replaced so many seconds before it expires.
EARLY_SECONDS = 60.0
# Sends a form to an address, with retries, and gives the JSON answer.
PostForm = Callable[[str, Mapping[str, str]], Any]


class Access:
    """The header of one source's requests. Tokens are kept in memory only.

    UsageError if a variable of the environment is not set.
    """

    def __init__(
        self,
        source: str,
        settings: AccessSettings,
        post_form: PostForm,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.source, self.settings = source, settings
        self._post_form, self._clock = post_form, clock
        self._secret = self._refresh_token = ""
        if settings.secret_variable is not None:
            value = os.environ.get(settings.secret_variable)
            self._secret = self._checked(settings.secret_variable, value)
        if settings.refresh_token_variable is not None:
            value = os.environ.get(settings.refresh_token_variable)
            self._refresh_token = self._checked(settings.refresh_token_variable, value)
        self._token, self._ends = "", 0.0

    @property
    def can_renew(self) -> bool:
        """Whether a refused token can be replaced by a new one."""
        return self.settings.kind == "oauth2"

    def headers(self) -> dict[str, str]:
        """The header. With OAuth 2, a token is requested first where there is none."""
        kind, settings = self.settings.kind, self.settings
        if kind == "bearer":
            return {"Authorization": f"Bearer {self._secret}"}
        if kind == "basic":
            pair = base64.b64encode(f"{settings.user}:{self._secret}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        if kind == "header":
            return {settings.header or "": self._secret}
        if kind == "none":
            return {}
        if not self._token or self._clock() >= self._ends:
            self._renew()
        return {"Authorization": f"Bearer {self._token}"}

    def drop_token(self) -> None:
        """Forget a token that the service refused."""
        self._token = ""

    def _renew(self) -> None:
        settings = self.settings
        grant = "refresh_token" if self._refresh_token else "client_credentials"
        form = {
            **{"grant_type": grant, "client_id": settings.client_id or ""},
            "client_secret": self._secret,
            **({"refresh_token": self._refresh_token} if self._refresh_token else {}),
            **({"scope": settings.scope} if settings.scope else {}),
        }
        answer = self._post_form(settings.login_url or "", form)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceError(
                f"source {self.source}: {settings.login_url} answers without access_token, which "
                f"OAuth 2 requires. Check sources.{self.source}.fetch.access.login_url."
            )
        seconds = answer.get("expires_in")
        # Without expires_in the token serves until it is refused.
        lives = float(seconds) if isinstance(seconds, int | float) else float("inf")
        self._token, self._ends = token, self._clock() + max(lives - EARLY_SECONDS, lives / 2)
        # A service that rotates refresh tokens accepts the newest one only.
        self._refresh_token = str(answer.get("refresh_token") or self._refresh_token)

    def _checked(self, name: str, value: str | None) -> str:
        # A variable that is set from a file often ends with a line end.
        if not (value or "").strip():
            raise UsageError(
                f"source {self.source}: the environment variable {name} is not set. "
                f"sources.{self.source}.fetch.access names it; set it to the secret."
            )
        return str(value).strip()
