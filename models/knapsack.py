"""Exact choice of offers for the few customers at the edge of the budget.

The shadow prices decide all other customers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

Floats = NDArray[np.float64]
# A limit in nodes, not seconds, so that the result does not depend on the load of the machine.
# 1 to 12 nodes are usual.
MOST_NODES = 1_000


def best_choices(
    gain: Floats, use: Floats, budget: float, *, caps: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The offer of each customer (-1: none) that maximises the sum of gains within the budget.

    gain, use: (customers, offers); NaN if the offer is not allowed. use and budget share one unit.
    caps: maximum customers per offer, inf for no cap. Solved by scipy's MILP (HiGHS) to a relative
    gap of 1e-4, for hundreds of customers, not millions. All are -1 if no solution is found within
    MOST_NODES.
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
    solution = milp(
        -gain[row, offer],
        constraints=rules,
        integrality=np.ones(len(row)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-4, "node_limit": MOST_NODES},
    )
    if solution.x is None:
        return chosen
    taken = solution.x > 0.5
    chosen[row[taken]] = offer[taken]
    return chosen
