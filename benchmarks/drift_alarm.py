"""False alarms of drift without drift, and planted shifts that are found.

    bin/with-env python -m benchmarks.drift_alarm

Each replay draws a training sample and the customers of a later date: 40 numbers of four kinds
(normal, lognormal, counts with many zeros, a fifth missing) and five texts with five categories. A
replay alarms if any statistic of any feature alerts, with the thresholds of conf/defaults.yaml.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.measure import Section, write
from models.drift import Thresholds, compared
from models.feature_histogram import Current, Reference
from runtime import settings

REPLAYS, SAMPLE, SIZES = 200, 5_000, (500, 5_000)
NUMBERS, TEXTS, SEED = 40, 5, 20180101
SHARES = np.array([0.4, 0.25, 0.2, 0.1, 0.05])
KINDS: tuple[Callable[[Any, int], Any], ...] = (
    lambda draw, n: draw.normal(10, 3, n),
    lambda draw, n: draw.lognormal(3, 1, n),
    lambda draw, n: draw.poisson(draw.gamma(0.5, 2, n)).astype(float),
    lambda draw, n: np.where(draw.random(n) < 0.2, np.nan, draw.normal(0, 1, n)),
)


def thresholds() -> Thresholds:
    """The thresholds of conf/defaults.yaml."""
    conf = settings.load("demo").monitoring
    return Thresholds(**conf.drift_thresholds())


def number(draw: Any, place: int, rows: int) -> pd.Series:
    """Values of the number at `place`."""
    return pd.Series(KINDS[place % len(KINDS)](draw, rows))


def text(draw: Any, rows: int, moved: float = 0.0) -> pd.Series:
    """Categories; `moved`: share of customers that moves from the first to the fourth category."""
    shares = SHARES + moved * np.array([-1, 0, 0, 1, 0])
    return pd.Series(np.array(list("abcde"))[draw.choice(5, rows, p=shares)])


def alarms(draw: Any, rows: int, planted: str, *, limits: Thresholds) -> bool:
    """Whether a replay alarms. planted: nothing, number or text.

    With something planted only the planted feature counts: is it found?
    """
    pairs = []
    shifted = int(draw.integers(NUMBERS))
    for place in range(NUMBERS):
        sample, later = number(draw, place, SAMPLE), number(draw, place, rows)
        if planted == "number" and place == shifted:
            later = later + 0.5 * sample.std()
        reference = Reference.of_numbers(f"number_{place}", sample, SAMPLE)
        pairs.append((reference, Current.of(reference, later)))
    for place in range(TEXTS):
        moved = 0.2 if planted == "text" and place == 0 else 0.0
        reference = Reference.of_texts(f"text_{place}", text(draw, SAMPLE), SAMPLE)
        pairs.append((reference, Current.of(reference, text(draw, rows, moved))))
    asked = {"number": f"number_{shifted}", "text": "text_0"}.get(planted)
    return any(s.is_alert and asked in (None, s.feature) for s in compared(pairs, limits))


def run() -> Section:
    """Rates of alarms with 95 % intervals (Clopper and Pearson)."""
    section = Section(
        "Drift: false alarms and planted shifts",
        f"{REPLAYS} replays per row, {NUMBERS} numbers and {TEXTS} texts against a training sample "
        f"of {SAMPLE:,} customers. Without drift: share of replays with any alert. Planted: share "
        "of replays that find the feature with the shift of 0.5 standard deviations, or the text "
        "of which a category moved by 20 points. 95 % interval of Clopper and Pearson; a bound is "
        "missed only if it lies outside the interval.",
        ("customers", "planted", "replays with alert", "share", "95 % interval"),
    )
    limits = thresholds()
    for rows in SIZES:
        for planted in ("nothing", "number", "text"):
            draw = np.random.default_rng([SEED, rows, len(planted)])
            alarmed = sum(alarms(draw, rows, planted, limits=limits) for _ in range(REPLAYS))
            low, high = stats.binomtest(alarmed, REPLAYS).proportion_ci(0.95)
            section.add(
                f"{rows:,}",
                planted,
                alarmed,
                f"{alarmed / REPLAYS:.3f}",
                f"{low:.3f} to {high:.3f}",
            )
            is_false = planted == "nothing"
            section.reach(
                f"{rows:,} customers, {planted}, {'lower' if is_false else 'upper'} bound",
                low if is_false else high,
                0.05 if is_false else 0.95,
                at_least=not is_false,
            )
    return section


if __name__ == "__main__":
    write(run())
