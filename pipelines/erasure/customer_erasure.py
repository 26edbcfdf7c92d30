"""Erase customers from everything that a lakehouse stores, and certify it.

The order makes a run that was killed repeatable: the erasure list first, so that ingest brings
nobody back; then what other places need in order to be found; the tables that name contacts and
e-mail addresses last; the certificate at the end.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from contracts.gold_engagement import OUTBOX
from contracts.gold_erasure import ERASURE_LIST, ERASURES
from contracts.silver import CUSTOMERS
from contracts.writers import all_leases
from pipelines.erasure import stored_files
from pipelines.erasure.certificates import Certificates
from pipelines.erasure.person_tables import PersonTable, person_tables, table_names
from runtime.fault_points import fault_point
from runtime.files import Location
from runtime.lakehouse.erasing import delete_rows, forget_history
from runtime.lakehouse.platform import session_setting
from runtime.wording import plural
from service.erasing import check_no_service, erase_online, erase_spooled
from service.spool import spool_of
from transforms.erasure import CONTACT, ID, MARKS, counts_by_person, marks_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context
    from runtime.lakehouse.spark_lake import SparkLake


@dataclass(frozen=True)
class ErasureOptions:
    """Options of `erase_customer`.

    ids: the customers. is_forced: do not wait for other commands, and erase although a prediction
    service runs. now: when; None: now.
    """

    ids: tuple[str, ...]
    is_forced: bool = False
    now: dt.datetime | None = None


def run(context: Context, options: ErasureOptions) -> None:
    """Erase customers. A dry run only counts their rows."""
    Erasure(context, options).start()


class Erasure:
    """One run over all places."""

    def __init__(self, context: Context, options: ErasureOptions) -> None:
        self.context, self.options, self.settings = context, options, context.settings
        self.say = context.progress.say
        self.moment = options.now or dt.datetime.now(dt.UTC)
        key = self.settings.personal_data.erasure_key(self.settings.env)
        self.certificates = Certificates(context, key, self.moment)
        self.lake = cast("SparkLake", context.lake)

    def start(self) -> None:
        """Wait until no other command is at work, then erase."""
        sources = {name: source.table for name, source in self.settings.sources.items()}
        own = [*table_names(self.context), ERASURE_LIST.name, ERASURES.name]
        others = () if self.options.is_forced else all_leases(sources)
        if not self.options.is_forced:
            self._check_service()
        # As in ingest: an expression of a mapping that fails gives null.
        is_lenient = session_setting(self.context.spark, "spark.sql.ansi.enabled", "false")
        with is_lenient, self.context.leases.on([*own, *others]):
            self._erase(person_tables(self.context))

    def _erase(self, tables: Sequence[PersonTable]) -> None:
        if not (self.options.is_forced or self.context.is_dry):
            stored_files.delete_temporary(self.settings.root)
        marks = self._marks()
        rows = self._counted(tables, marks)
        self._tell(tables, rows)
        if self.context.is_dry:
            return
        values = [row["_mark"] for row in marks.select("_mark").distinct().collect()]
        self.certificates.begin(self.options.ids, values, rows)
        fault_point("erase_listed")
        self._erase_files(marks)
        fault_point("erase_files")
        is_clean = True
        for table in tables:
            self.context.leases.check(table.name)
            if rows[table.name]:
                gone = table.find(marks).select(*[f"`{c}`" for c in table.on]).distinct()
                delete_rows(self.lake, table.name, gone, on=table.on)
            fault_point("erase_deleted")
            is_clean &= forget_history(self.lake, table.name, self.moment.isoformat())
            fault_point("erase_table")
        self.certificates.end(self.options.ids, is_log_clean=is_clean)
        self.say(f"      erased {plural(len(self.options.ids), 'customer')}: see gold.erasures")

    def _marks(self) -> DataFrame:
        """The values that name the customers: ids, e-mail addresses, contacts. All in memory."""
        rows = [(i, ID, i) for i in self.options.ids]
        ids = self.context.spark.createDataFrame(rows, MARKS)
        customers, outbox = self.context.read(CUSTOMERS.name), self.context.read(OUTBOX.name)
        # Collected, because the tables that they come from are rewritten.
        more = [tuple(row) for row in marks_of(customers, outbox, ids).collect()]
        return self.context.spark.createDataFrame([*rows, *more], MARKS)

    def _counted(self, tables: Sequence[PersonTable], marks: DataFrame) -> dict[str, Counter[str]]:
        """Rows by customer, for each table. At most one number per table and erased customer."""
        matches = {table.name: table.find(marks) for table in tables}
        counted: dict[str, Counter[str]] = {table.name: Counter() for table in tables}
        # One job for all tables.
        for row in counts_by_person(matches).collect():
            counted[row["_table"]][row["_person"]] = row["rows"]
        return counted

    def _tell(self, tables: Sequence[PersonTable], rows: dict[str, Counter[str]]) -> None:
        for table in tables:
            if total := rows[table.name].total():
                self.say(f"      {table.name:<30} {plural(total, 'row')}")
        if not any(rows.values()):
            self.say("      no table has a row of these customers now; older versions are deleted")

    # ------------------------------------------------------------------ other places

    def _erase_files(self, marks: DataFrame) -> None:
        contacts = {r["_mark"] for r in marks.where(f"_kind = '{CONTACT}'").collect()}
        files = stored_files.erase_contact_files(self.settings, contacts)
        reports = stored_files.delete_reports(self.settings)
        if files:
            self.say(f"      {'outbox':<30} {plural(files, 'file')}")
        if reports:
            self.say(
                f"      deleted {', '.join(reports)}; run_pipeline writes them again, without the "
                "customers"
            )
        self._erase_service()

    def _erase_service(self) -> None:
        if keys := erase_online(self.settings, self.options.ids):
            self.say(f"      {'online store':<30} {plural(keys, 'key')}")
        if has_spool(self.settings.root):
            erase_spooled(self.settings.root, self.options.ids)

    def _check_service(self) -> None:
        if has_spool(self.settings.root):
            check_no_service(self.settings.root)


def has_spool(root: Location) -> bool:
    """Whether a prediction service of this machine has written answers of this lakehouse."""
    return not root.is_remote and bool(Location.of(spool_of(root)).files())
