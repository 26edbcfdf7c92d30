"""/fraud/score under load, on loopback."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import redis

from benchmarks.fraud_company import Company, company, micros
from benchmarks.measure import Section
from benchmarks.service import load, servers
from models.fraud.fitting import Plan, fitted
from models.fraud.payments import Payments
from models.fraud.training import Capacity
from pipelines import fraud
from pipelines.fraud.fraud_training import example_of
from runtime.model_registry import CHAMPION, Registry
from service.fraud_filling import fill_payments, payment_at
from service.fraud_state import FraudKeys
from udfs.micros import moment_of

CUSTOMERS, SEED = 3_000, 2028
# The last payments are asked, the others are filled from the tables.
RATE, COUNT, WARM, MOST_MS = 200, 10_000, 500, 10.0


def run(spark: Any, folder: Path) -> Section:
    """p50 and p99 at 200 requests a second with windows that are full."""
    whole = company(CUSTOMERS, SEED)
    asked = WARM + COUNT
    with servers(folder, peers=False) as (settings, ports, pids):
        _register(settings, whole)
        client = redis.Redis.from_url(settings.service.redis.url)
        began, before = time.perf_counter(), _memory(client)
        history = whole.payments.take(np.arange(len(whole.payments) - asked))
        sent = fill_payments(client, FraudKeys(settings.env), history)
        filled = time.perf_counter() - began
        requests = [
            {"path": "/fraud/score", "body": _body(whole.payments, k)}
            for k in range(len(whole.payments) - asked, len(whole.payments))
        ]
        section = Section(
            "Fraud scores in the request",
            f"{sent:,} payments of {CUSTOMERS:,} simulated customers filled from the tables, then "
            f"the next {COUNT:,} payments, all distinct, at {RATE} a second, time from the planned "
            "moment: one call of Redis, features, score and factors. Load generator, service and "
            "Redis share the machine.",
            ("load", "p50 ms", "p99 ms", "requests a second", "CPU ms of the service"),
        )
        port, pid = ports["holdfast"], pids["holdfast"]
        time.sleep(2 * settings.service.model_check_seconds)  # the service loads the model
        plan = {"port": port, "rate": RATE}
        load(folder, {**plan, "requests": requests[:WARM], "count": WARM}, pid)
        load_before = os.getloadavg()[0]
        figures = load(folder, {**plan, "requests": requests[WARM:], "count": COUNT}, pid)
        section.add(f"{RATE} a second", *figures[:4])
        section.reach(f"p99 at {RATE} a second, ms", figures[1], MOST_MS, at_least=False)
        section.verdicts += [
            f"Redis' own time per call: {_call_microseconds(client):.0f} microseconds",
            f"fill: {sent / filled:,.0f} payments a second",
            f"memory of Redis per payment filled: {(_memory(client) - before) / sent:,.0f} bytes",
        ]
        section.how += f" Load average before the requests: {load_before:.1f} on {os.cpu_count()} "
        section.how += "cores."
    return section


def _memory(client: Any) -> int:
    return int(client.info("memory")["used_memory"])


def _call_microseconds(client: Any) -> float:
    return float(client.info("commandstats")["cmdstat_evalsha"]["usec_per_call"])


def _body(payments: Payments, position: int) -> dict[str, Any]:
    row = payment_at(payments, position)
    del row["received_at"]
    moment = moment_of(row.pop("paid_at"))
    cents = row.pop("cents")
    return {**row, "amount": cents / 100, "paid_at": moment.isoformat()}


def _register(settings: Any, whole: Company) -> None:
    frauds = whole.payments.payment_id[whole.is_fraud].tolist()
    plan = Plan(micros(549), 60, 28, 10, Capacity(20, 28, 0.95), 1)
    model = fitted(whole.payments, frauds, plan).model
    registry = Registry(settings, settings.fraud.model_name)
    example = example_of(model)
    with mlflow.start_run(experiment_id=registry.experiment_id()) as active:
        version = registry.register(
            active.info.run_id,
            Path(fraud.__file__).with_name("fraud_pyfunc.py"),
            model.to_json(),
            example=example,
            answer=pd.DataFrame({"score": model.predict_proba(example)}),
            tags={},
        )
    registry.set_alias(CHAMPION, version)
