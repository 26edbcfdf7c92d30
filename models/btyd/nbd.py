"""NBD: Poisson purchases with gamma distributed rates, and nobody leaves (Ehrenberg 1959).

The other models are compared with it, to see whether customers leave at all. Its likelihood is
theirs without dropout: Γ(r + x) alpha^r / Γ(r) · (alpha + T)^-(r + x).
"""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from models.btyd.rows import Array, PurchaseRows

NAME = "nbd"
NAMES = ("r", "alpha")


class NbdLikelihood:
    """Log-likelihood of the rows and its gradient by log(r, alpha)."""

    def __init__(self, rows: PurchaseRows) -> None:
        self.rows = rows

    def __call__(self, log_parameters: Array) -> tuple[float, Array]:
        r, alpha = theta = np.exp(log_parameters)
        x, end, weight = self.rows.frequency, alpha + self.rows.T, self.rows.weight
        each = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(end)
        by_r = digamma(r + x) - digamma(r) + np.log(alpha) - np.log(end)
        by_alpha = r / alpha - (r + x) / end
        return float(weight @ each), np.array([weight @ by_r, weight @ by_alpha]) * theta
