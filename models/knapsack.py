"""The few customers at the edge of the budget, solved exactly: the rest follows from the prices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

Floats = NDArray[np.float64]
# A limit that no load of the machine moves, as seconds would be; one to a dozen nodes are usual.
MOST_NODES = 1_000


def best_choices(
    gain: Floats, use: Floats, budget: float, caps: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The column chosen for each row, -1 for none: the greatest sum of gain within the budget.

    gain, use: (customers, offers), NaN where barred; caps: most customers of each offer, inf: any.
    Solved by scipy's MILP (HiGHS), so for hundreds of customers, not millions.
    """
    chosen = np.full(len(gain), -1, dtype=np.int64)
    row, offer = np.nonzero(~np.isnan(gain) & (np.nan_to_num(gain) > 0))
    if not len(row) or budget < 0:
        return chosen
    count = np.arange(len(row))
    one_each = coo_array((np.ones(len(row)), (row, count)), shape=(len(gain), len(row)))
    rules = [
        LinearConstraint(one_each.tocsr(), -np.inf, 1.0),
        LinearConstraint(use[row, offer][None, :], -np.inf, budget),
    ]
    for k in np.flatnonzero(np.isfinite(caps)):
        rules.append(LinearConstraint((offer == k)[None, :].astype(float), -np.inf, caps[k]))
    found = milp(
        -gain[row, offer],
        constraints=rules,
        integrality=np.ones(len(row)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-4, "node_limit": MOST_NODES},
    )
    if found.x is None:
        return chosen
    taken = found.x > 0.5
    chosen[row[taken]] = offer[taken]
    return chosen
