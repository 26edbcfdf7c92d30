"""API keys: only digests are known, compared in constant time; each key has its own rate limit."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from runtime.errors import UsageError
from runtime.settings.service import ApiKeySettings, ServiceSettings

LOOPBACK = ("127.0.0.1", "::1", "localhost")
# How often the file of keys is looked at.
FILE_SECONDS = 1.0
_KEYS = TypeAdapter(list[ApiKeySettings])


def new_key(name: str) -> tuple[str, str]:
    """A new key with 256 random bits, and its digest. The name is a part of neither."""
    key = f"hf_{secrets.token_urlsafe(32)}"
    return key, digest_of(key)


def checked_name(name: str) -> str:
    """The name itself. UsageError if conf would refuse it."""
    try:
        ApiKeySettings(name=name, sha256="0" * 64)
    except ValidationError:
        raise UsageError(
            f"name {name[:80]!r}: must be 1 to 64 letters, digits, dots, - or _."
        ) from None
    return name


def digest_of(key: str) -> str:
    """SHA-256 in hex. Keys are random, so no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class ApiKeys:
    """The valid keys, of conf and of a file, which is read again when it changes."""

    def __init__(
        self, settings: ServiceSettings, today: Callable[[], dt.date], clock: Callable[[], float]
    ) -> None:
        self.settings, self.today, self.clock = settings, today, clock
        self._looked_at = -FILE_SECONDS
        self._file_state: tuple[int, int] | None = None
        self._of_file: Sequence[ApiKeySettings] = ()
        self._read_file()

    @property
    def are_needed(self) -> bool:
        """False: no keys are configured, and the service listens on loopback only."""
        return bool(self.settings.api_keys or self.settings.api_keys_file)

    def name_of(self, key: str) -> str | None:
        """The name of a valid key. None: the key is unknown or has expired.

        Every key is compared, each in constant time, so the time says nothing about the keys.
        """
        digest, today = digest_of(key), self.today()
        self._read_file()
        name = None
        for known in (*self.settings.api_keys, *self._of_file):
            is_valid = known.expires_on is None or today < known.expires_on
            if hmac.compare_digest(known.sha256, digest) and is_valid:
                name = known.name
        return name

    def _read_file(self) -> None:
        """UsageError for a file that cannot be read, but only at the start.

        Later the keys at hand stay valid, because a file may be read while it is written.
        """
        path, now = self.settings.api_keys_file, self.clock()
        if path is None or now - self._looked_at < FILE_SECONDS:
            return
        is_first, self._looked_at = self._looked_at < 0, now
        try:
            stat = Path(path).stat()
            state = (stat.st_mtime_ns, stat.st_size)
            if state != self._file_state:
                self._of_file = _KEYS.validate_python(yaml.safe_load(Path(path).read_text()) or [])
                self._file_state = state
        except (OSError, yaml.YAMLError, ValidationError) as error:
            if is_first:
                raise UsageError(
                    f"service.api_keys_file {path}: cannot be read ({type(error).__name__}). It "
                    "must be a YAML list of name and sha256, as `holdfast make_api_key` prints."
                ) from None


class RateLimit:
    """A token bucket per client: `burst` requests at once, `per_second` in the long run."""

    def __init__(
        self, per_second: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second, self.burst, self.clock = per_second, burst, clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Seconds until the client may send this request; 0: now, and it is counted."""
        now = self.clock()
        tokens, at = self._buckets.get(client, (float(self.burst), now))
        tokens = min(float(self.burst), tokens + (now - at) * self.per_second)
        if tokens < 1.0:
            self._buckets[client] = (tokens, now)
            return (1.0 - tokens) / self.per_second
        self._buckets[client] = (tokens - 1.0, now)
        return 0.0


def refuse_open_address(settings: ServiceSettings) -> None:
    """UsageError if the service would listen beyond loopback without keys."""
    has_keys = settings.api_keys or settings.api_keys_file
    if settings.host not in LOOPBACK and not has_keys:
        raise UsageError(
            f"service.host {settings.host}: without API keys the service listens on 127.0.0.1 "
            "only. Make a key with `holdfast make_api_key`, and add its line to service.api_keys."
        )
