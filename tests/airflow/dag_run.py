"""python dag_run.py FACTS.json: one run of the DAG in a real Airflow, in its own environment.

FACTS.json: {"dags": folder, "logical_date": day or null, "answer": null, Approve or Reject}. Without a
day the DAG is only imported. answer: what a person answers in the UI. Prints one JSON line that begins
with RESULT: tasks, their settings, states and tries.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

from airflow.dag_processing.dagbag import DagBag
from airflow.utils.db import initdb


def hours(span: dt.timedelta | None) -> float | None:
    """A time span in hours. None: there is none."""
    return None if span is None else span.total_seconds() / 3600


def described(dag) -> dict:
    """What the scheduler sees of each task."""
    return {
        task.task_id: {
            "after": sorted(task.upstream_task_ids),
            "retries": task.retries,
            "retry_minutes": task.retry_delay.total_seconds() / 60,
            "timeout_hours": hours(task.execution_timeout),
            "response_hours": hours(getattr(task, "response_timeout", None)),
            "owner": task.owner,
            "alerts": len(task.on_failure_callback or []),
            "command": getattr(task, "bash_command", ""),
        }
        for task in dag.tasks
    }


def answer(choice: str) -> None:
    """Wait until the DAG asks, then answer as the UI does: by the handler of its request."""
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    user = SimpleNamespace(get_id=lambda: "1", get_name=lambda: "an operator")
    while True:
        time.sleep(0.5)
        with create_session() as session:
            asked = session.query(TaskInstance).filter_by(
                task_id="approve_deployment", state="awaiting_input"
            )
            if (instance := asked.first()) is not None:
                payload = UpdateHITLDetailPayload(chosen_options=[choice])
                names = (instance.dag_id, instance.run_id, instance.task_id)
                update_hitl_detail(*names, payload, user, session)
                return


def main() -> None:
    facts = json.loads(Path(sys.argv[1]).read_text())
    initdb()
    bag = DagBag(dag_folder=facts["dags"])
    result = {"errors": bag.import_errors, "dags": sorted(bag.dags)}
    if not bag.import_errors:
        dag = bag.dags["customer_retention_retraining"]
        result["tasks"] = described(dag)
        result["catchup"], result["runs"] = dag.catchup, dag.max_active_runs
        if facts["logical_date"]:
            day = dt.datetime.fromisoformat(facts["logical_date"]).replace(tzinfo=dt.UTC)
            if facts.get("answer"):
                threading.Thread(target=answer, args=(facts["answer"],), daemon=True).start()
            run = dag.test(logical_date=day)
            result["state"] = str(run.state)
            result["states"] = {
                ti.task_id: [str(ti.state), ti.try_number] for ti in run.get_task_instances()
            }
    print("\nRESULT" + json.dumps(result))


if __name__ == "__main__":
    main()
