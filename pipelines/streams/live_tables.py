"""The live tables: features.behavior_live, gold.engagement_live, and contacts in gold.outbox.

They are computed from silver, never added up, so that any repetition gives the same rows. Without a
reason to do more, only the days of the micro-batch's events are computed again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from contracts.live import BEHAVIOR_LIVE, ENGAGEMENT_LIVE
from contracts.silver import ENGAGEMENT_EVENTS, SUPPORT_TICKETS
from pipelines.streams.fall_contacts import add_contacts
from runtime.context import Context
from runtime.fault_points import fault_point
from runtime.lakehouse.writes import Write
from transforms.event_sums import day_sums, first_uses
from transforms.live_engagement import KEPT_DAYS, engagement_live
from transforms.stream_rows import events_between


class LiveTables:
    """The live tables as one process writes them.

    day: the open day, None before the first update. uses: product feature -> first day of its use.
    Both are read from Delta after a restart. version: of silver.engagement_events after the last
    commit of this stream; another version means that another command has added or changed rows.
    levels: number of customers by level of engagement, to be shown.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.day: dt.date | None = None
        self.uses: dict[str, dt.date] = {}
        self.version: int | None = None
        self.levels: dict[str | None, int] = {}

    def wrote_silver(self, context: Context) -> None:
        """The stream itself has written silver: this is no foreign commit."""
        now = context.lake.version(ENGAGEMENT_EVENTS.name)
        if self.version is not None and now == self.version + 1:
            self.version = now

    def update(
        self,
        context: Context,
        newest: dt.datetime,
        *,
        days: set[dt.date],
        uses: Mapping[str, dt.date],
    ) -> int:
        """Bring the tables up to silver; the number of new contacts.

        newest: the newest event of the stream. days: those with events in the micro-batch. uses: of
        its events.
        """
        zone = ZoneInfo(context.settings.features.business_time_zone)
        day = newest.astimezone(zone).date()
        version = context.lake.version(ENGAGEMENT_EVENTS.name)
        first = day - dt.timedelta(days=KEPT_DAYS)
        if day != self.day or version != self.version:
            days = {first + dt.timedelta(days=n) for n in range(KEPT_DAYS + 1)}
            self.uses = self._first_uses(context)
        for name, on in uses.items():
            self.uses[name] = min(on, self.uses.get(name, on))
        self._write_days(context, {d for d in days if first <= d <= day}, first, zone)
        fault_point("after_days")
        contacts = self._write_engagement(context, day)
        self.day, self.version = day, version
        return contacts

    def _first_uses(self, context: Context) -> dict[str, dt.date]:
        """First day of use by product feature, from all of silver."""
        # One row per feature of the product.
        rows = first_uses(context.read(ENGAGEMENT_EVENTS.name), known_at="occurred_at").collect()
        return {r["feature"]: r["visible_from"] - dt.timedelta(days=1) for r in rows}

    def _write_days(
        self, context: Context, days: set[dt.date], first: dt.date, zone: ZoneInfo
    ) -> None:
        """Compute days again, and delete those before `first`."""
        old = self._days_before(context, first)
        if not days and not old:
            return
        events = context.read(ENGAGEMENT_EVENTS.name)
        start, end = (
            dt.datetime.combine(d, dt.time(), zone)
            for d in (min(days, default=first), max(days, default=first) + dt.timedelta(days=1))
        )
        listed = ", ".join(f"DATE'{d}'" for d in sorted(days) or [first])
        sums = day_sums(events_between(events, ENGAGEMENT_EVENTS, start=start, end=end))
        sums = sums.where(f"day IN ({listed})" if days else "FALSE")
        context.lake.commit([Write(BEHAVIOR_LIVE, sums, sorted({*days, *old}))])

    def _days_before(self, context: Context, first: dt.date) -> set[dt.date]:
        """The days of the table that are too old. Only a new open day can make any."""
        if self.day is not None and first <= self.day - dt.timedelta(days=KEPT_DAYS):
            return set()
        days = context.read(BEHAVIOR_LIVE.name).where(f"day < DATE'{first}'")
        return {r["day"] for r in days.select("day").distinct().collect()}

    def _write_engagement(self, context: Context, day: dt.date) -> int:
        """Compute gold.engagement_live of the open day, and queue contacts; their number."""
        stream = context.settings.stream
        has_tickets = context.has(SUPPORT_TICKETS.name)
        rows = engagement_live(
            context.read(BEHAVIOR_LIVE.name),
            context.read(SUPPORT_TICKETS.name) if has_tickets else None,
            day=day,
            first_uses=self.uses,
            engagement=context.settings.engagement,
            levels=[band.model_dump() for band in stream.levels],
        )
        rows = context.lake.keep(rows)
        before = {day}
        if day != self.day:
            table = context.read(ENGAGEMENT_LIVE.name)
            before |= {r["day"] for r in table.select("day").distinct().collect()}
        context.lake.commit([Write(ENGAGEMENT_LIVE, rows, sorted(before))])
        fault_point("after_engagement")
        # One row per level of conf.
        self.levels = {r["level"]: r["count"] for r in rows.groupBy("level").count().collect()}
        contacts = add_contacts(context, rows, day)
        fault_point("after_outbox")
        return contacts
