"""The payments, their labels, and the truth about fraud, as tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulator import draws, world as w
from simulator.delivery import lived, moments
from simulator.frauds import frauds
from simulator.payments import (
    COLUMNS,
    COUNTRIES,
    NAMES,
    labels,
    merchant_categories,
    usual,
)
from simulator.people import customer_names

# Payments without a device (at a terminal) and without a place.
NO_DEVICE, NO_PLACE = 0.02, 0.05


def rows_of_payments(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """The payments of some customers with their kind of fraud: empty for none."""
    who, history = lived(ids, world)
    parts = [usual(who, history.left, world), frauds(who, history.left, world)]
    rows = pd.concat([part[[*COLUMNS]] for part in parts], ignore_index=True)
    customer = who.id[rows["row"].to_numpy(np.int64)]
    kind = np.where(rows["kind"] == "", 0, 1)
    # The id shows nothing of the kind.
    keys = (customer, rows["number"].to_numpy(np.int64), kind)
    name = (draws.uniform(world.seed, "payment.id", *keys) * 2**52).astype(np.int64)
    rows["payment_id"] = [f"p{c:07d}{n:013x}" for c, n in zip(customer, name, strict=True)]
    rows["customer"] = customer
    for column, share in (("no_device", NO_DEVICE), ("no_place", NO_PLACE)):
        rows[column] = draws.uniform(world.seed, column, *keys) < share
    return rows


def payments(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """Rows of silver.payments."""
    rows = rows_of_payments(ids, world)
    merchant = rows["merchant"].to_numpy(np.int64)
    places = rows[["latitude", "longitude"]].where(~rows["no_place"]).round(5)
    return pd.DataFrame(
        {
            "payment_id": rows["payment_id"],
            "customer_id": customer_names(rows["customer"].to_numpy(np.int64)),
            "card_id": [f"k{c:07d}" for c in rows["customer"]],
            "device_id": draws.blanked(rows["device"].to_numpy(), rows["no_device"].to_numpy()),
            "merchant_id": [f"m{m:04d}" for m in merchant],
            "merchant_category": NAMES[merchant_categories(world)[merchant]],
            "country": COUNTRIES[rows["city"].to_numpy(np.int64)],
            "latitude": places["latitude"],
            "longitude": places["longitude"],
            "amount": np.round(np.clip(rows["amount"].to_numpy(np.float64), 0.01, 20_000), 2),
            "paid_at": moments(rows["at"]),
        }
    )


def fraud_labels(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """Rows of silver.fraud_labels that are known on the last simulated day."""
    made = labels(rows_of_payments(ids, world), world)
    return made.assign(labelled_at=moments(made["at"]))


def fraud_truth(ids: NDArray[np.int64], world: w.World) -> pd.DataFrame:
    """The fraudulent payments, their kind and the attack that they belong to."""
    rows = rows_of_payments(ids, world)
    rows = rows[rows["kind"] != ""].reset_index(drop=True)
    return rows.assign(is_fraud=True, episode_id=rows["episode"])
