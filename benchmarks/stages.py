"""Seconds and CPU of the stages of a run: `python -m benchmarks.stages LOG [--least SECONDS]`.

LOG: the event log, a file or a folder of parts, that Spark writes with these lines in the Spark
profile: `spark.eventLog.enabled: "true"`, `spark.eventLog.dir`, `spark.eventLog.compress: "false"`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Stage:
    """One stage of the log. Times are seconds since the first event of the application."""

    name: str
    query: str = ""
    begins: float = 0.0
    ends: float = 0.0
    tasks: int = 0
    cpu: float = 0.0
    longest: float = 0.0
    shuffled: int = 0


def stages_of(log: Path) -> list[Stage]:
    """The completed stages of an event log, in order of completion."""
    stages: dict[int, Stage] = defaultdict(lambda: Stage(""))
    queries: dict[int, str] = {}
    done, start = [], 0.0
    for event in events_of(log):
        kind = event["Event"].rpartition(".")[2]
        if kind == "SparkListenerApplicationStart":
            start = event["Timestamp"] / 1000
        elif kind == "SparkListenerSQLExecutionStart":
            queries[event["executionId"]] = event["description"]
        elif kind == "SparkListenerJobStart":
            number = (event.get("Properties") or {}).get("spark.sql.execution.id")
            for stage_id in event["Stage IDs"]:
                stages[stage_id].query = queries.get(int(number), "") if number else ""
        elif kind == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            _add_task(stages[event["Stage ID"]], event)
        elif kind == "SparkListenerStageCompleted":
            info = event["Stage Info"]
            stage = stages[info["Stage ID"]]
            stage.name = info["Stage Name"]
            stage.begins = info["Submission Time"] / 1000 - start
            stage.ends = info["Completion Time"] / 1000 - start
            done.append(stage)
    return done


def events_of(log: Path) -> Iterator[dict[str, Any]]:
    """The events of a log in the order in which Spark wrote them."""
    parts = [log] if log.is_file() else sorted(log.glob("events_*"), key=_part)
    for part in parts:
        with part.open() as lines:
            yield from map(json.loads, lines)


def _part(file: Path) -> int:
    """The number of a part: events_2_local-1796109216745."""
    return int(file.name.split("_")[1])


def _add_task(stage: Stage, event: dict[str, Any]) -> None:
    metrics, info = event["Task Metrics"], event["Task Info"]
    stage.tasks += 1
    stage.cpu += metrics["Executor CPU Time"] / 1e9
    stage.longest = max(stage.longest, (info["Finish Time"] - info["Launch Time"]) / 1000)
    stage.shuffled += metrics.get("Shuffle Write Metrics", {}).get("Shuffle Bytes Written", 0)


def main() -> None:
    """Print the stages that took at least some seconds, and the sum of the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("--least", type=float, default=1.0, help="seconds of the shortest stage")
    given = parser.parse_args()
    stages = stages_of(given.log)
    print("begins  wall   CPU  longest task  tasks  shuffled  stage")
    for stage in stages:
        if stage.ends - stage.begins >= given.least:
            print(
                f"{stage.begins:6.1f} {stage.ends - stage.begins:5.1f} {stage.cpu:5.1f} "
                f"{stage.longest:13.1f} {stage.tasks:6} {stage.shuffled / 1e6:6.1f} MB  "
                f"{stage.name[:40]} | {stage.query[:60]}"
            )
    short = [s for s in stages if s.ends - s.begins < given.least]
    print(f"{len(short)} shorter stages: {sum(s.cpu for s in short):.1f} s of CPU.")
    print(
        f"All {len(stages)}: {sum(s.cpu for s in stages):.1f} s of CPU, "
        f"{sum(s.shuffled for s in stages) / 1e6:.1f} MB shuffled."
    )


if __name__ == "__main__":
    main()
