"""Fit the models by name, and compare their held-out likelihoods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.btyd import geometric_dropout, nbd, pareto_nbd
from models.btyd.bg_nbd import BgNbd, BgNbdLikelihood
from models.btyd.fitting import Fit, Likelihood, maximise
from models.btyd.gamma_gamma import NAMES as SPEND_NAMES, GammaGammaLikelihood, SpendRows
from models.btyd.mbg_nbd import MbgNbd, MbgNbdLikelihood
from models.btyd.nbd import NbdLikelihood
from models.btyd.pareto_nbd import ParetoNbd, ParetoNbdLikelihood
from models.btyd.rows import Array, PurchaseRows

Btyd = BgNbd | MbgNbd | ParetoNbd
# Rows on which starting points are compared. The fit itself uses all rows.
MOST_START_ROWS = 20_000
SPEND = "gamma_gamma"


@dataclass(frozen=True)
class Kind:
    """One model: its class, its likelihood and its parameter names."""

    model: Callable[..., Btyd]
    likelihood: Callable[[PurchaseRows], Likelihood]
    names: tuple[str, ...]


KINDS: Mapping[str, Kind] = {
    "bg_nbd": Kind(BgNbd, BgNbdLikelihood, geometric_dropout.NAMES),
    "mbg_nbd": Kind(MbgNbd, MbgNbdLikelihood, geometric_dropout.NAMES),
    "pareto_nbd": Kind(ParetoNbd, ParetoNbdLikelihood, pareto_nbd.NAMES),
}


def fitted(name: str, fit: Fit) -> Btyd:
    """The model with the parameters of a fit."""
    return KINDS[name].model(**fit.parameters)


def fit_model(
    name: str, rows: PurchaseRows, likelihood: Likelihood | None = None, *, customers: float = 0.0
) -> Fit:
    """Fit a model by maximum likelihood on the rows.

    `likelihood` replaces the likelihood of the rows where the driver cannot hold all of them, and
    `customers` is its number of customers. The rows are then a sample that is used only to choose
    the starting point. Raises NotFittableError.
    """
    kind = KINDS[name]
    sample = rows.thinned(MOST_START_ROWS)
    starts = starting_points(name, sample)
    if likelihood is not None:
        return maximise(
            likelihood, customers, kind.names, starts=starts, on_sample=kind.likelihood(sample)
        )
    whole = kind.likelihood(rows)
    on_sample = kind.likelihood(sample) if sample is not rows else None
    return maximise(whole, rows.customers, kind.names, starts=starts, on_sample=on_sample)


def starting_points(name: str, rows: PurchaseRows) -> list[tuple[float, ...]]:
    """Moderate shapes, with the purchase rate and the mean length of observation of the rows."""
    observed = float(rows.weight @ rows.T)
    rate = max(rows.purchases, 0.5) / max(observed, 1.0)
    length = max(observed / rows.customers, 1.0)
    if name == "pareto_nbd":
        leaving = ((0.5, length), (1.0, 4 * length), (0.1, length))
    else:
        leaving = ((0.8, 2.5), (0.1, 5.0), (1.0, 30.0))
    return [(r, r / rate, *more) for r, more in zip((0.5, 1.0, 1.0), leaving, strict=True)]


def held_out(model: Btyd, rows: PurchaseRows) -> float:
    """Mean log-likelihood per customer of rows that were not used in the fit."""
    each = model.log_likelihood(rows.frequency, rows.recency, rows.T)
    return float(rows.weight @ each / rows.customers)


def fit_without_dropout(
    rows: PurchaseRows, likelihood: Likelihood | None = None, *, customers: float = 0.0
) -> Fit:
    """Fit the NBD model, in which nobody leaves. The arguments are as in `fit_model`."""
    sample = rows.thinned(MOST_START_ROWS)
    starts = [start[:2] for start in starting_points("bg_nbd", sample)]
    if likelihood is not None:
        on_sample = NbdLikelihood(sample)
        return maximise(likelihood, customers, nbd.NAMES, starts=starts, on_sample=on_sample)
    on_part = NbdLikelihood(sample) if sample is not rows else None
    whole = NbdLikelihood(rows)
    return maximise(whole, rows.customers, nbd.NAMES, starts=starts, on_sample=on_part)


def fit_spend(rows: SpendRows, likelihood: Likelihood | None = None, customers: float = 0.0) -> Fit:
    """Fit the Gamma-Gamma model. The arguments have the same meaning as in `fit_model`."""
    sample = rows.thinned(MOST_START_ROWS)
    mean = float(sample.weight @ sample.value / sample.customers)
    starts = [(2.0, 4.0, 1.5 * mean), (6.0, 3.5, 0.5 * mean), (1.0, 2.0, mean)]
    if likelihood is not None:
        on_sample = GammaGammaLikelihood(sample)
        return maximise(likelihood, customers, SPEND_NAMES, starts=starts, on_sample=on_sample)
    whole = GammaGammaLikelihood(rows)
    on_part = GammaGammaLikelihood(sample) if sample is not rows else None
    return maximise(whole, rows.customers, SPEND_NAMES, starts=starts, on_sample=on_part)


PARTIAL_DDL = "value double, " + ", ".join(f"g{n} double" for n in range(4))


def partial_sums(
    name: str, log_parameters: Array
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas that returns one row of PARTIAL_DDL per non-empty batch.

    value: log-likelihood of the batch at `log_parameters`. g0 to g3: its gradient, padded with 0.
    Purchase rows need frequency, recency_days, T_days and customers (the number of customers with
    that row). Spend rows need frequency, monetary_value and customers.
    """

    def sums(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                value, gradient = likelihood_of(name, batch)(log_parameters)
                padded = np.zeros(4)
                padded[: len(gradient)] = gradient
                cells = {f"g{n}": [g] for n, g in enumerate(padded)}
                yield pd.DataFrame({"value": [value], **cells})

    return sums


def likelihood_of(name: str, batch: pd.DataFrame) -> Any:
    """The likelihood of a pandas batch; see `partial_sums` for its columns."""
    x, weight = batch["frequency"], batch["customers"]
    if name == SPEND:
        return GammaGammaLikelihood(SpendRows.of(x, batch["monetary_value"], weight))
    rows = PurchaseRows.of(x, batch["recency_days"], batch["T_days"], weight)
    if name == nbd.NAME:
        return NbdLikelihood(rows)
    return KINDS[name].likelihood(rows)
