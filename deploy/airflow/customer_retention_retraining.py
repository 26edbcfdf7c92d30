"""Airflow 3: weekly drift detection, retraining, validation and deployment of the churn model.

Copy this folder to the DAGs folder, or name it as one. docs/retraining.md describes the settings in
retraining.json. The tasks call commands; Holdfast and Spark need not be importable in Airflow.
"""

from __future__ import annotations

import datetime as dt
import itertools
import sys
from pathlib import Path

from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

sys.path.insert(0, str(Path(__file__).parent))
from holdfast_commands import APPROVAL, JOB, STEPS, command_line, load

conf = load()
alert = SmtpNotifier(
    to=list(conf.email),
    subject="Holdfast: {{ ti.task_id }} of {{ dag.dag_id }} failed, {{ ds }}",
    html_content="{{ ti.task_id }} failed after {{ ti.try_number }} tries. The champion is the "
    "same as before. Read the log: {{ ti.log_url }}",
)

with DAG(
    dag_id=JOB,
    description="Weekly: drift, features, challenger, verdict, champion",
    schedule=conf.schedule,
    start_date=conf.start,
    catchup=False,
    # One run at a time: each compares its challenger with the champion of the run before.
    max_active_runs=1,
    params={
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            description="Day of the features. Default: the day of the run minus as_of_lag_days",
        )
    },
    default_args={
        "owner": conf.owner,
        "retries": conf.retries,
        "retry_delay": dt.timedelta(minutes=conf.retry_minutes),
        "execution_timeout": dt.timedelta(hours=conf.timeout_hours),
        "on_failure_callback": [alert] if conf.email else [],
    },
    tags=["holdfast"],
    doc_md=__doc__,
) as dag:
    tasks = {
        step.task_id: BashOperator(task_id=step.task_id, bash_command=command_line(conf, step))
        for step in STEPS
    }
    if conf.needs_approval:
        tasks[APPROVAL] = ApprovalOperator(
            task_id=APPROVAL,
            subject="Deploy the new churn model of {{ ds }}?",
            body="{{ ti.xcom_pull(task_ids='validate_model') }}",
            execution_timeout=None,
            response_timeout=dt.timedelta(hours=conf.approval_hours),
            retries=0,
        )
    order = [step.task_id for step in STEPS]
    if conf.needs_approval:
        order.insert(order.index("deploy_model"), APPROVAL)
    for before, after in itertools.pairwise(order):
        tasks[before] >> tasks[after]
