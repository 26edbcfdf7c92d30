"""The erasure list and the certificates of one request."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from contracts.gold_erasure import ERASURE_LIST, ERASURES
from runtime.lakehouse.writes import Write
from transforms.erasure import certificates_in_micros
from udfs.keyed_digests import key_id, keyed_digest
from udfs.micros import moment_of

if TYPE_CHECKING:
    from runtime.context import Context

ID_LENGTH = 32


class Certificates:
    """Writes who is erased before anything is, and the certificates afterwards."""

    def __init__(self, context: Context, key: bytes, moment: dt.datetime) -> None:
        self.context, self.key, self.moment = context, key, moment
        self._begun: list[dict[str, Any]] = []

    def begin(
        self, ids: Sequence[str], values: Iterable[str], rows: Mapping[str, Counter[str]]
    ) -> None:
        """Write the erasure list, and a certificate that is not done for each customer.

        A run that was killed has written them before: the first time and its counts stay.
        """
        request, stamp = request_of([keyed_digest(i, self.key) for i in ids]), key_id(self.key)
        before = self._before(request)
        digests = {keyed_digest(v, self.key) for v in values}
        listed = sorted(digests | self._listed_before(request))
        self._begun = [self._certificate(i, request, rows, before) for i in ids]
        rows_listed = [(request, digest, stamp) for digest in listed]
        frame = self.context.spark.createDataFrame(rows_listed, ERASURE_LIST.ddl)
        self._write(Write(ERASURE_LIST, frame, [request]))

    def end(self, ids: Sequence[str], *, is_log_clean: bool) -> None:
        """Complete the certificates."""
        done = {"done_at": self.moment, "is_log_clean": is_log_clean}
        self._begun = [{**row, **done} for row in self._begun]
        self._write()

    def _certificate(
        self,
        customer: str,
        request: str,
        rows: Mapping[str, Counter[str]],
        before: Mapping[str, Any],
    ) -> dict[str, Any]:
        digest = keyed_digest(customer, self.key)
        counts = {name: counted[customer] for name, counted in rows.items() if counted[customer]}
        old = before.get(digest)
        touched = {*counts, *((old["tables_touched"] or "").split(", ") if old else ())} - {""}
        return {
            "erasure_id": _hashed(request, digest),
            "request_id": request,
            "customer_digest": digest,
            "key_id": key_id(self.key),
            "requested_at": old["requested_at"] if old else self.moment,
            "done_at": None,
            "rows_removed": max(sum(counts.values()), old["rows_removed"] if old else 0),
            "tables_touched": ", ".join(sorted(touched)) or None,
            "is_log_clean": None,
        }

    def _before(self, request: str) -> dict[str, Any]:
        """The certificates of an earlier run of this request, by the customer's digest."""
        rows = self.context.read(ERASURES.name).where(f"request_id = '{request}'")
        kept = certificates_in_micros(rows)
        certificates = [row.asDict() for row in kept.collect()]  # one row per customer
        for row in certificates:
            row["requested_at"] = moment_of(row["requested_at"])
        return {row["customer_digest"]: row for row in certificates}

    def _listed_before(self, request: str) -> set[str]:
        """Digests that an earlier run listed: it may have erased the tables that name them."""
        rows = self.context.read(ERASURE_LIST.name).where(f"request_id = '{request}'")
        return {row["digest"] for row in rows.select("digest").collect()}

    def _write(self, *more: Write) -> None:
        frame = self.context.lake.frame(ERASURES, self._begun)
        slices = sorted({row["request_id"] for row in self._begun})
        self.context.write([*more, Write(ERASURES, frame, slices)])


def request_of(digests: Sequence[str]) -> str:
    """The id of a request: the same customers give the same request, in any order."""
    return _hashed(*sorted(digests))


def _hashed(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:ID_LENGTH]
