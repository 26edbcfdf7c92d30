"""BG/NBD: customers may leave after each repeat purchase (Fader, Hardie & Lee 2005)."""

from __future__ import annotations

from dataclasses import dataclass

from models.btyd.geometric_dropout import GeometricDropout, GeometricLikelihood
from models.btyd.rows import PurchaseRows


class BgNbdLikelihood(GeometricLikelihood):
    """Log-likelihood of the rows. One-time buyers are included, with P(alive) = 1."""

    def __init__(self, rows: PurchaseRows) -> None:
        super().__init__(rows, survived_first=0)


@dataclass(frozen=True)
class BgNbd(GeometricDropout):
    """The fitted model. P(alive) of a one-time buyer is always 1, so it is not a churn score."""

    survived_first: int = 0
