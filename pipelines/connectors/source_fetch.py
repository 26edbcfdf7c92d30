"""Fetch the new records of sources with a REST API, page by page, into the sources' folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipelines.connectors.cursors import cursor_of, cursor_text, overlap_of, value_at
from pipelines.connectors.landing import Landing, Position
from pipelines.connectors.rest_client import SAFE, Answer, RefusedError, Request, RestClient
from runtime import settings as settings_module
from runtime.errors import HoldfastError, SourceError, UsageError
from runtime.fault_points import fault_point
from runtime.progress import Progress
from runtime.settings import Settings
from runtime.settings.fetch import CURSOR, PAGE, FetchSettings
from runtime.wording import plural


@dataclass(frozen=True)
class FetchOptions:
    """Options of `fetch_sources`.

    source: the only source to fetch. None: every source with a section fetch. conf_dir: folder of
    the settings; None: the package's own.
    """

    env: str
    source: str | None = None
    conf_dir: str | None = None


def run(options: FetchOptions) -> None:
    """Fetch the sources of an environment. No lakehouse is opened, and no lock is held."""
    settings_module.use_conf_dir(options.conf_dir)
    fetch_all(settings_module.load(options.env), Progress(), options.source)


def fetch_all(settings: Settings, progress: Progress, source: str | None = None) -> None:
    """Fetch each source. One that fails does not stop the others; its error ends the run."""
    names = wanted_sources(settings, source)
    folders = {name: landing_folder(settings, name) for name in names}
    failures: list[HoldfastError] = []
    for name, folder in folders.items():
        try:
            _fetch(name, folder, settings, progress)
        except HoldfastError as error:
            failures.append(error)
    if failures:
        kind = SourceError if len(failures) > 1 else type(failures[0])
        raise kind("\n".join(str(f) for f in failures))


def wanted_sources(settings: Settings, source: str | None) -> list[str]:
    """The sources to fetch. UsageError: there is none, or the given one cannot be fetched."""
    names = [name for name, s in settings.sources.items() if s.fetch is not None]
    if source is not None and source not in names:
        known = ", ".join(names) or "none"
        raise UsageError(
            f"--source {source}: must be a source with a section fetch. Such sources are: {known}."
        )
    if not names:
        raise UsageError(
            f"conf/{settings.env}.yaml: no source has a section fetch, so there is nothing to "
            f"fetch. docs/sources.md shows one."
        )
    return [source] if source is not None else names


def landing_folder(settings: Settings, name: str) -> Path:
    """The folder of a source. UsageError: its path is a pattern or on another machine."""
    path = settings.sources[name].path or ""
    local = re.sub(r"^file:(//)?(?=/)", "", path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", local) or re.search(r"[*?\[\]{}]", local):
        raise UsageError(
            f"conf/{settings.env}.yaml: sources.{name}.path = {path!r}: fetch_sources writes to "
            f"it, so it must be a folder of this machine. Set a folder, such as landing/{name}."
        )
    return Path(local)


def _fetch(name: str, folder: Path, settings: Settings, progress: Progress) -> None:
    fetch = settings.sources[name].fetch
    assert fetch is not None  # by wanted_sources
    client = RestClient(name, fetch, settings.fetch)
    landing = Landing(name, folder)
    try:
        SourceFetch(name, fetch, landing, ask=client.ask).fetch(progress)
    finally:
        landing.close()
        client.close()


class SourceFetch:
    """One run over one source.

    A pass asks for all records whose cursor is at least the highest one so far less the overlap.
    """

    def __init__(
        self,
        name: str,
        settings: FetchSettings,
        landing: Landing,
        *,
        ask: Callable[[Request], Answer],
    ) -> None:
        self.name, self.settings, self.landing, self.ask = name, settings, landing, ask
        self.cursor = settings.cursor

    def fetch(self, progress: Progress) -> None:
        """Finish the pass that an earlier run began, if any, and make one pass."""
        pages, new, again = 0, 0, 0
        with progress.part(self.name) as part:
            for position, is_resumed in self._passes():
                while position.is_open:
                    fault_point("before_request")
                    position, fresh, read = self._page(position, is_resumed=is_resumed)
                    is_resumed = False
                    pages, new, again = pages + bool(fresh), new + fresh, again + read - fresh
                    part.next(plural(new, "record"))
        seen = f", {plural(again, 'record')} again" if again else ""
        counts = f"{plural(new, 'new record')} on {plural(pages, 'page')}"
        progress.say(f"      {self.name}: {counts}{seen}")

    def _passes(self) -> Iterator[tuple[Position, bool]]:
        """Where each pass starts, and whether an earlier run began it."""
        if self.landing.position.is_open:
            yield self.landing.position, True
        yield self._pass_start(), False

    def _page(self, position: Position, *, is_resumed: bool) -> tuple[Position, int, int]:
        """Read one page. The next position, the number of its new records, and of all."""
        request = self._request(position)
        try:
            answer = self.ask(request)
        except RefusedError:
            # The token of an interrupted pass is no longer valid: the pass begins again. Its
            # records have arrived, so they are recognised.
            if not is_resumed or position.page is None:
                raise
            return replace(position, page=None, count=0), 0, 0
        records = self._records(answer)
        cursors = self._cursors(records)
        position = self._with_highest(position, cursors, answer)
        following = self._following(position, request, answer, records=records, cursors=cursors)
        fresh = self.landing.unseen(records)
        self.landing.add(fresh, self._cursors([r for _, r in fresh], is_checked=True), following)
        if not following.is_open:
            self.landing.end_pass(self._overlap_start(following.highest))
        return self.landing.position, len(fresh), len(records)

    # ------------------------------------------------------------------ positions

    def _pass_start(self) -> Position:
        position = replace(self.landing.position, is_open=True, page=None, count=0)
        return replace(position, since=self._overlap_start(position.highest))

    def _overlap_start(self, highest: int | None) -> int | None:
        """The cursor from which the next pass asks. None: the source has no cursor."""
        if self.cursor is None:
            return None
        start = cursor_of(self.cursor.start, self.cursor.form)
        if start is None:
            raise UsageError(
                f"sources.{self.name}.fetch.cursor.start = {self.cursor.start!r}: must be a time "
                f"such as 2015-01-01T00:00:00Z, or a number."
            )
        since = start if highest is None else max(start, highest - overlap_of(self.cursor))
        # A request in seconds asks for the whole second, whose records must not be forgotten.
        return since - since % 1000 if self.cursor.form == "epoch_s" else since

    def _with_highest(
        self, position: Position, cursors: Sequence[int | None], answer: Answer
    ) -> Position:
        """The highest cursor so far. A record dated after the service's own clock does not raise it
        above that clock: records that really change until then would be missed."""
        known = [c for c in (*cursors, position.highest) if c is not None]
        highest = max(known, default=None)
        if self.cursor is not None and self.cursor.form != "number" and highest is not None:
            highest = min(highest, max(int(answer.sent_at * 1000), position.highest or 0))
        return replace(position, highest=highest)

    def _following(
        self,
        position: Position,
        request: Request,
        answer: Answer,
        *,
        records: Sequence[Any],
        cursors: Sequence[int | None],
    ) -> Position:
        page = self._next_page(position, request, answer, len(records))
        if page is None:
            return replace(position, is_open=False)
        last = max((c for c in cursors if c is not None), default=None)
        is_ascending = self.cursor is not None and self.cursor.is_ascending
        if is_ascending and last is not None and last > (position.since or 0):
            # Pages of an offset skip a record when one before it changes and moves to the end. A
            # page that starts at the last cursor cannot; and its number of results is not limited.
            return replace(position, since=last, page=None, count=0)
        if page == position.page:
            raise SourceError(
                f"source {self.name}: the answer names its own page as the next one. {SAFE} Fix "
                f"sources.{self.name}.fetch.paging."
            )
        return replace(position, page=page, count=position.count + len(records))

    def _next_page(
        self, position: Position, request: Request, answer: Answer, read: int
    ) -> str | None:
        """Token, link or offset of the next page. None: this is the last one."""
        paging, content = self.settings.paging, answer.content
        if paging.kind == "none":
            return None
        if paging.kind == "offset":
            return str(position.count + read) if read >= (paging.page_size or 0) else None
        if paging.more and value_at(content, paging.more) is not True:
            return None
        if paging.last and value_at(content, paging.last) is True:
            return None
        page = value_at(content, paging.next)
        if page in (None, ""):
            return None
        return self._link(request, str(page)) if paging.kind == "link" else str(page)

    def _link(self, request: Request, link: str) -> str:
        """The absolute address. SourceError if another host would get the key."""
        url = urljoin(request.url, link)
        own, other = urlsplit(self.settings.url), urlsplit(url)
        if (own.scheme, own.netloc) != (other.scheme, other.netloc):
            raise SourceError(
                f"source {self.name}: the next page is at {other.scheme}://{other.netloc}, another "
                f"host than {own.netloc}, which must not get the key. {SAFE} Fix "
                f"sources.{self.name}.fetch.url."
            )
        return url

    # ------------------------------------------------------------------ requests and answers

    def _request(self, position: Position) -> Request:
        settings = self.settings
        if settings.paging.kind == "link" and position.page is not None:
            return Request("GET", position.page)
        texts = {PAGE: position.page}
        if self.cursor is not None and position.since is not None:
            texts[CURSOR] = cursor_text(position.since, self.cursor.form)
        params = _filled(settings.params, texts)
        return Request(settings.method, settings.url, params or None, _filled(settings.body, texts))

    def _records(self, answer: Answer) -> list[Any]:
        records = value_at(answer.content, self.settings.records)
        if isinstance(records, list) and all(isinstance(r, dict) for r in records):
            return records
        keys = answer.content.keys() if isinstance(answer.content, dict) else []
        has = f"Its keys are {', '.join(sorted(map(str, keys))[:20])}" if keys else "It has no keys"
        where = self.settings.records or "the answer itself"
        raise SourceError(
            f"source {self.name}: the answer has no list of records at {where}, so its schema has "
            f"changed. {has}. {SAFE} Fix sources.{self.name}.fetch.records."
        )

    def _cursors(self, records: Sequence[Any], *, is_checked: bool = False) -> list[int | None]:
        """The cursor of each record. SourceError if no record has one: the schema has changed."""
        if self.cursor is None:
            return [None] * len(records)
        field, form = self.cursor.field, self.cursor.form
        cursors = [cursor_of(value_at(record, field), form) for record in records]
        if records and not is_checked and all(c is None for c in cursors):
            raise SourceError(
                f"source {self.name}: no record of the answer has a readable {field}, so its "
                f"schema has changed. Keys of a record are {', '.join(sorted(records[0])[:20])}. "
                f"{SAFE} Fix sources.{self.name}.fetch.cursor.field."
            )
        return cursors


def _filled(value: Any, texts: dict[str, str | None]) -> Any:
    """A value of conf with its placeholders replaced. Entries whose placeholder has no text go.

    >>> _filled({"after": "{page}", "since": "x{cursor}"}, {"{page}": None, "{cursor}": "7"})
    {'since': 'x7'}
    """
    if isinstance(value, dict):
        return {k: _filled(v, texts) for k, v in value.items() if not _is_open(v, texts)}
    if isinstance(value, list):
        return [_filled(v, texts) for v in value if not _is_open(v, texts)]
    if isinstance(value, str):
        for placeholder, text in texts.items():
            value = value.replace(placeholder, text or "")
    return value


def _is_open(value: Any, texts: dict[str, str | None]) -> bool:
    return isinstance(value, str) and any(p in value for p, text in texts.items() if text is None)
