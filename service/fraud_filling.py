"""Rebuild the windows of payments in Redis from Delta."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from models.fraud.payments import PLACES, TEXTS, Payments
from models.fraud.windows import HISTORY, LATE, late
from runtime.files import table_location
from runtime.settings import Settings
from service.fraud_script import SCRIPT
from service.fraud_state import FraudKeys

PAYMENTS = "silver.payments"
BATCH = 500


def fill_fraud(settings: Settings, client: Any) -> str:
    """Count the payments of silver.payments that a later window can reach, and say how many.

    Without the table the store is marked as filled too: no payments are known before the first.
    """
    keys = FraudKeys(settings.env)
    try:
        table = DeltaTable(str(table_location(settings.root, PAYMENTS)))
    except TableNotFoundError:
        client.hset(keys.facts, "filled", 1)
        return "fraud: no silver.payments, so windows begin with the first request"
    return f"fraud: {fill_payments(client, keys, recent_payments(table)):,} payments counted"


def recent_payments(table: DeltaTable) -> Payments:
    """The payments of the last days that a window can reach."""
    rows = table.to_pyarrow_dataset()
    newest = max(
        (
            value
            for batch in rows.to_batches(columns=["paid_at"])
            if (value := pc.max(batch.column(0)).as_py()) is not None
        ),
        default=None,
    )
    kept = None
    if newest is not None:
        reach = pd.Timedelta(HISTORY + 2 * LATE, unit="us").to_pytimedelta()
        kept = pc.field("paid_at") >= pc.scalar(newest - reach)
    columns = [*TEXTS, *PLACES, "amount", "paid_at", "received_at"]
    return Payments.from_frame(with_micros(rows.to_table(columns, filter=kept).to_pandas()))


def with_micros(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with cents, and times as microseconds since 1970."""
    made = rows.assign(cents=[round(a * 100) for a in rows["amount"]])
    for name in ("paid_at", "received_at"):
        times = pd.to_datetime(rows[name], utc=True)
        micros = times.astype("datetime64[us, UTC]").astype("int64")
        made[name] = micros.astype("Int64").where(times.notna().to_numpy())
    return made


def fill_payments(client: Any, keys: FraudKeys, payments: Payments) -> int:
    """Count payments in the order of their arrival, and mark the store as filled.

    Payments that the store has counted already are not counted again, and those that came too late
    never are. Returns how many were sent.
    """
    script = client.register_script(SCRIPT)
    client.script_load(SCRIPT)
    sent = np.flatnonzero(~late(payments))
    for start in range(0, len(sent), BATCH):
        with client.pipeline(transaction=False) as pipeline:
            for k in sent[start : start + BATCH].tolist():
                arguments = keys.arguments(payment_at(payments, k), is_fill=True)
                pipeline.execute_command("EVALSHA", script.sha, *arguments)
            pipeline.execute()
    client.hset(keys.facts, "filled", 1)
    return len(sent)


def payment_at(payments: Payments, position: int) -> dict[str, Any]:
    """One payment as a dict, None where unknown."""
    places = {n: float(getattr(payments, n)[position]) for n in PLACES}
    return {
        **{n: getattr(payments, n)[position] for n in TEXTS},
        **{n: None if np.isnan(v) else v for n, v in places.items()},
        **{n: int(getattr(payments, n)[position]) for n in ("cents", "paid_at", "received_at")},
    }
