"""MBG/NBD: customers may also leave after the first purchase (Batislam et al. 2007)."""

from __future__ import annotations

from dataclasses import dataclass

from models.btyd.geometric_dropout import GeometricDropout, GeometricLikelihood
from models.btyd.rows import PurchaseRows


class MbgNbdLikelihood(GeometricLikelihood):
    """Log-likelihood of the rows."""

    def __init__(self, rows: PurchaseRows) -> None:
        super().__init__(rows, survived_first=1)


@dataclass(frozen=True)
class MbgNbd(GeometricDropout):
    """The fitted model."""

    survived_first: int = 1
