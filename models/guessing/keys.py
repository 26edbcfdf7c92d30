"""Guesses which mapped columns identify a line, so that equal articles of one order are kept."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

# Share of lines that may repeat the number of another line, by mistake.
MOST_REPEATED = 0.02


def guess_key(texts: Mapping[str, pd.Series]) -> tuple[tuple[str, ...], list[str]]:
    """The mapped columns that identify a line, and doubts about them.

    texts: mapped column -> its values in the kept rows of the sample.
    """
    if "order_id" not in texts:
        return (), []
    for key in (("order_id", "line_number"), ("order_id", "product_id"), ("order_id",)):
        if all(c in texts for c in key):
            lines = pd.DataFrame({c: texts[c] for c in key})
            if not lines.duplicated().any():
                return key, []
            repeated = int(lines.duplicated(keep=False).sum())
            if key[-1] == "line_number" and repeated <= MOST_REPEATED * len(lines):
                return key, [
                    f"{repeated:,} lines of the sample have the same order_id and line_number as "
                    "another. Ingest keeps the first of each."
                ]
            if len(key) == 2:
                return (), [
                    f"No key: {repeated:,} lines of the sample have the same {' and '.join(key)} "
                    "as another, and a key would keep only one of them. Without a key, do not "
                    "deliver a row twice."
                ]
    doubt = "No key: one order has several lines. Without a key, do not deliver a row twice."
    return (), [doubt]
