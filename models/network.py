"""Multilayer perceptron in this process: sigmoid layers, softmax, native matrix products."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, log_softmax

from models.fit_limit import check_fit
from models.matrix_rows import CUSTOMER_HASH, MatrixRows
from models.portable import MlpScorer

Array = NDArray[np.float64]
# Share of training customers in the validation set for early stopping.
STOPPING_SHARE = 0.1
ITERATIONS_A_ROUND = 20


def fit_network(
    rows: MatrixRows, label: str, parameters: Mapping[str, Any], *, seed: int
) -> MlpScorer:
    """Fit with early stopping, because the network has no L2 penalty.

    A tenth of the customers, by hash, is held back. After each round of ITERATIONS_A_ROUND
    iterations their log loss is computed. Training stops after `patience` rounds without
    improvement and keeps the weights of the best round. parameters: hidden (sizes of the hidden
    layers), maxIter, solver (l-bfgs or gd), stepSize (only for gd), patience (rounds).
    """
    layers = (rows.x.shape[1], *map(int, parameters["hidden"]), 2)
    shifted = rows.keys[CUSTOMER_HASH].to_numpy() + seed
    is_held = np.mod(shifted, 1000) < 1000 * STOPPING_SHARE
    stopping = Stopping(rows.where(is_held), label, layers, patience=parameters["patience"])
    fitted_on = rows.where(~is_held)
    x, y = fitted_on.x.astype(np.float64), fitted_on.label(label)

    def loss(weights: Array) -> tuple[float, Array]:
        return loss_and_gradient(weights, layers, x, label=y)

    start, most = first_weights(layers, seed), int(parameters["maxIter"])
    try:
        if parameters.get("solver", "l-bfgs") == "gd":
            descend(loss, start, most, step=parameters["stepSize"], after=stopping)
        else:
            options = {"maxiter": most, "maxfun": 2 * most, "ftol": 0.0, "gtol": 1e-6}
            minimize(loss, start, jac=True, method="L-BFGS-B", callback=stopping, options=options)
    except NoGain:
        pass
    return scorer_of(stopping.best if stopping.best is not None else start, layers)


class NoGain(Exception):  # noqa: N818 - ends a fit, and is no error
    """The held-back customers gain nothing from further rounds."""


@dataclass
class Stopping:
    """Called after each iteration. Keeps the weights of the best round on the held-back rows."""

    rows: MatrixRows
    label: str
    layers: tuple[int, ...]
    patience: int
    best: Array | None = None
    best_loss: float = float("inf")
    iterations: int = 0
    waited: int = 0

    def __call__(self, weights: Array) -> None:
        check_fit()
        self.iterations += 1
        if self.iterations % ITERATIONS_A_ROUND and self.best is not None:
            return
        raw = scorer_of(weights, self.layers).predict(self.rows.x)
        sign = 1.0 - 2.0 * self.rows.label(self.label)
        loss = float(np.logaddexp(0.0, sign * raw).mean()) if len(raw) else float("inf")
        if self.best is None or loss < self.best_loss:
            self.best, self.best_loss, self.waited = weights.copy(), loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            raise NoGain


def descend(
    loss: Callable[[Array], tuple[float, Array]],
    start: Array,
    most: int,
    *,
    step: float,
    after: Callable[[Array], None],
) -> None:
    """Gradient descent with a fixed step. after: called with the weights of each iteration."""
    weights = start
    for _ in range(most):
        weights = weights - step * loss(weights)[1]
        after(weights)


def first_weights(layers: tuple[int, ...], seed: int) -> Array:
    """Uniform weights within sqrt(2 / (inputs + outputs)) (Glorot and Bengio 2010)."""
    draw = np.random.default_rng(seed)
    parts = []
    for inputs, outputs in pairwise(layers):
        bound = np.sqrt(2.0 / (inputs + outputs))
        parts.append(draw.uniform(-bound, bound, (inputs + 1) * outputs))
    return np.concatenate(parts)


def scorer_of(flat: Array, layers: tuple[int, ...]) -> MlpScorer:
    """The network with these weights. Layer by layer: the matrix, then the biases."""
    return MlpScorer.from_flat(flat, list(layers))


def loss_and_gradient(
    flat: Array, layers: tuple[int, ...], x: Array, *, label: NDArray[np.int64]
) -> tuple[float, Array]:
    """Mean log loss of the rows (label 0 or 1), and its gradient by backpropagation."""
    network = scorer_of(flat, layers)
    activations = [x]
    for weight, bias in zip(network.weights[:-1], network.biases[:-1], strict=True):
        activations.append(expit(activations[-1] @ weight + bias))
    logs = log_softmax(activations[-1] @ network.weights[-1] + network.biases[-1], axis=1)
    each = np.arange(len(x))
    error = np.exp(logs)
    error[each, label] -= 1.0
    error /= len(x)
    gradients: list[Array] = []
    for k in range(len(network.weights) - 1, -1, -1):
        below = activations[k]
        gradients = [(below.T @ error).ravel(), error.sum(axis=0), *gradients]
        if k:
            error = (error @ network.weights[k].T) * below * (1.0 - below)
    return float(-logs[each, label].mean()), np.concatenate(gradients)
