"""Random numbers as hashes of the seed, the name of the draw, and whole-number keys.

A draw depends on nothing else, so rows can be made in any order and in any partition.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seed: int, name: str, *keys: ArrayLike) -> Floats:
    """One number in (0, 1) per tuple of keys. The keys are arrays of whole numbers >= 0.

    The arrays broadcast. SplitMix64 (Steele, Lea & Flood 2014) is used as a chained hash.
    """
    text = f"{seed}|{name}".encode()
    start = np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big"))
    shape = np.broadcast_shapes(*[np.shape(k) for k in keys])
    state = np.full(shape, start, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = _mixed(state ^ (np.asarray(key).astype(np.uint64) * _GOLDEN + _GOLDEN))
    return ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53


def _mixed(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def choice(u: Floats, weights: ArrayLike) -> NDArray[np.int64]:
    """A position per u, with probabilities proportional to `weights`: one list, or a row per u.

    >>> choice(np.array([0.1, 0.49, 0.51]), [1.0, 1.0]).tolist()
    [0, 0, 1]
    """
    shares = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    ends = np.cumsum(shares, axis=1) / shares.sum(axis=1, keepdims=True)
    return (u[:, None] > ends[:, :-1]).sum(axis=1)


def exponential(u: Floats) -> Floats:
    """Exponential waiting times with mean 1."""
    return -np.log(u)


def gamma(u: Floats, shape: float) -> Floats:
    """Gamma distributed numbers with mean 1. A smaller shape gives a heavier tail."""
    return special.gammaincinv(shape, u) / shape


def normal(u: Floats) -> Floats:
    """Standard normal numbers."""
    return special.ndtri(u)


def poisson(u: Floats, mean: Floats) -> NDArray[np.int64]:
    """Poisson counts with the given means; a mean of 0 gives 0."""
    return stats.poisson.ppf(u, mean).astype(np.int64)


def blanked(values: NDArray, is_blank: NDArray[np.bool_]) -> NDArray[np.object_]:
    """The values, with None where `is_blank` is true."""
    out = values.astype(object)
    out[is_blank] = None
    return out


def events(
    seed: int, name: str, mean: Floats, *keys: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A Poisson number of events per row: the row of each event, and its number within the row."""
    count = poisson(uniform(seed, f"{name}.count", *keys), mean)
    row = np.repeat(np.arange(len(count)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    return row, number
