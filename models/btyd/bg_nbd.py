"""BG/NBD: customers may leave after each repeat purchase (Fader, Hardie & Lee 2005)."""

from __future__ import annotations

from dataclasses import dataclass

from models.btyd.geometric_dropout import GeometricDropout, GeometricLikelihood
from models.btyd.rows import PurchaseRows


class BgNbdLikelihood(GeometricLikelihood):
    """The likelihood of the rows; one-time buyers count, with P(alive) = 1."""

    def __init__(self, rows: PurchaseRows) -> None:
        super().__init__(rows, survived_first=0)


@dataclass(frozen=True)
class BgNbd(GeometricDropout):
    """The fitted model. Who bought once is alive with certainty: no churn score comes of that."""

    survived_first: int = 0
