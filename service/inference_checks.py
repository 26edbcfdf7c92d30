"""gold.inference_checks: logged answers, recomputed from what was known at their time."""

from __future__ import annotations

import bisect
import datetime as dt
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from contracts.features import FEATURE_TABLES
from contracts.gold_serving import INFERENCE_CHECKS
from models.answers import scores
from models.portable import PortableModel
from runtime.errors import TableError
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.lakehouse.delta_tables import opened
from runtime.lakehouse.run_leases import RunLeases
from runtime.model_registry import Registry
from runtime.run_info import RunInfo
from runtime.settings import Settings
from service.delta_features import DeltaFeatures, features_in, joined_rows
from service.log_rows import GIVEN, OPEN_DAY

LOG, CHECKS = "gold.inference_log", "gold.inference_checks"
TOLERANCE = 1e-6
BATCH_ROWS = 10_000
COLUMNS = [
    *("request_at", "customer_id", "features", "features_on", "features_source"),
    *("model_version", "churn_probability", "arm"),
]
Row = Mapping[str, Any]


def run(settings: Settings, since: dt.date | None = None) -> str:
    """Recompute the answers of each day from `since` on (None: of all days), and write the shares.

    Returns what was found, as a sentence. TableError if nothing was logged.
    """
    delta, registry = DeltaFeatures(settings), Registry(settings)
    models: dict[str, PortableModel] = {}

    def model_of(version: str) -> PortableModel:
        if version not in models:
            models[version] = PortableModel.from_json(registry.by_version(version).portable)
        return models[version]

    checks = Checks(PastFeatures(delta.address), model_of)
    for rows in logged(delta.address(LOG), since):
        checks.add(rows)
    counted = checks.rows()
    if not counted:
        raise TableError(f"{LOG}: has no answers to check. Run `holdfast serve` and ask it first.")
    run_info = RunInfo("check_inference_log")
    leases = RunLeases(settings, run_info)
    with leases.of_command(run_info.job):
        write_checks(delta.address(CHECKS), counted, leases.message(CHECKS))
    return told(counted)


def write_checks(path: str, counted: Sequence[tuple[Any, ...]], message: str) -> None:
    """Replace the rows of the days in `found`."""
    table, schema = opened(path, INFERENCE_CHECKS), arrow_schema(INFERENCE_CHECKS)
    rows = [dict(zip(schema.names, row, strict=True)) for row in counted]
    days = sorted({row[0].isoformat() for row in counted})
    write_deltalake(
        table,
        pa.Table.from_pylist(rows, schema),
        mode="overwrite",
        predicate=f"answered_on IN ({', '.join(repr(day) for day in days)})",
        commit_properties=CommitProperties(custom_metadata={"userMetadata": message}),
    )


def told(counted: Sequence[tuple[Any, ...]]) -> str:
    """The sums of all days, and what to do if answers differ."""
    answers, recomputed, different = (sum(row[k] for row in counted) for k in (2, 3, 4))
    text = f"{LOG}: {answers:,} answers, {recomputed:,} recomputed, {different:,} different"
    if different:
        text += (
            f" by more than {TOLERANCE:g}. The online store was older than the feature tables, or "
            "code or model files have changed: run fill_online_store after each build_features."
        )
    return text


def logged(path: str, since: dt.date | None) -> Iterator[list[dict[str, Any]]]:
    """Scored answers in batches."""
    try:
        rows = DeltaTable(path).to_pyarrow_dataset()
    except TableNotFoundError:
        return
    wanted = ds.field("churn_probability").is_valid()
    if since is not None:
        start = dt.datetime.combine(since, dt.time(), dt.UTC)
        wanted &= ds.field("request_at") >= pa.scalar(start, pa.timestamp("us", tz="UTC"))
    for batch in rows.to_batches(columns=COLUMNS, filter=wanted, batch_size=BATCH_ROWS):
        if batch.num_rows:
            yield batch.to_pylist()


@dataclass
class PastFeatures:
    """The feature tables as they were at a time. Versions that were deleted cannot be read."""

    address: Callable[[str], str]
    _opened: dict[tuple[int, ...], dict[str, ds.Dataset]] = field(default_factory=dict)

    @cached_property
    def commits(self) -> dict[str, list[tuple[dt.datetime, int]]]:
        """(time, version) of each commit that the log still has, oldest first, by table."""
        commits = {}
        for name in FEATURE_TABLES:
            history = DeltaTable(self.address(name)).history()
            commits[name] = sorted(
                (dt.datetime.fromtimestamp(c["timestamp"] / 1000, dt.UTC), c["version"])
                for c in history
            )
        return commits

    def versions(self, moment: dt.datetime) -> tuple[int, ...] | None:
        """The version of each feature table at a time. None: older than the log."""
        versions = []
        for name in FEATURE_TABLES:
            commits = self.commits[name]
            place = bisect.bisect_right(commits, (moment, 2**62)) - 1
            if place < 0:
                return None
            versions.append(commits[place][1])
        return tuple(versions)

    def rows(
        self, versions: tuple[int, ...], customer_ids: Sequence[str], day: dt.date
    ) -> dict[str, dict[str, Any]] | None:
        """The features of customers at these versions. None: files were deleted."""
        try:
            if versions not in self._opened:
                self._opened[versions] = {
                    name: DeltaTable(self.address(name), version=v).to_pyarrow_dataset()
                    for name, v in zip(FEATURE_TABLES, versions, strict=True)
                }
            rows = joined_rows(self._opened[versions], customer_ids, day)
        except (DeltaError, OSError, pa.ArrowException):
            return None
        return {row["customer_id"]: features_in(row) for row in rows}


@dataclass
class Checks:
    """Counts of answers by (day, model_version)."""

    past: PastFeatures
    model_of: Callable[[str], PortableModel]
    answers: Counter[tuple[dt.date, str]] = field(default_factory=Counter)
    recomputed: Counter[tuple[dt.date, str]] = field(default_factory=Counter)
    different: Counter[tuple[dt.date, str]] = field(default_factory=Counter)

    def add(self, rows: Sequence[Row]) -> None:
        """Recompute a batch of answers."""
        groups: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in rows:
            self.answers[_key(row)] += 1
            if row["features_source"] in (GIVEN, OPEN_DAY):
                groups[(GIVEN,)].append(row)
            else:
                groups[(self.past.versions(row["request_at"]), row["features_on"])].append(row)
        for key, members in groups.items():
            if key == (GIVEN,):
                self._compare([(row, json.loads(row["features"])) for row in members])
            elif key[0] is not None:
                ids = sorted({row["customer_id"] for row in members})
                known = self.past.rows(key[0], ids, key[1])
                if known is not None:
                    self._compare([(row, known.get(row["customer_id"])) for row in members])

    def _compare(self, pairs: Sequence[tuple[Row, dict[str, Any] | None]]) -> None:
        by_version: defaultdict[str, list[tuple[Row, dict[str, Any]]]] = defaultdict(list)
        for row, features in pairs:
            self.recomputed[_key(row)] += 1
            if features is None:  # the tables did not have the customer that the service knew
                self.different[_key(row)] += 1
            else:
                by_version[row["model_version"]].append((row, features))
        for version, members in by_version.items():
            rescored = scores(self.model_of(version), [features for _, features in members])
            for (row, _), score in zip(members, rescored, strict=True):
                if abs(score.churn_probability - row["churn_probability"]) > TOLERANCE:
                    self.different[_key(row)] += 1

    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of gold.inference_checks, in the order of its columns."""
        counted = []
        for (day, version), answers in sorted(self.answers.items()):
            done, other = self.recomputed[day, version], self.different[day, version]
            counted.append((day, version, answers, done, other, other / done if done else None))
        return counted


def _key(row: Row) -> tuple[dt.date, str]:
    return row["request_at"].date(), row["model_version"]
