"""The comparison of strategies as a short table of text lines, for the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def strategy_table(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], default: str
) -> list[str]:
    """One line per strategy of `names`, after a head line; the default strategy comes first.

    `rows`: gold.strategy_comparison, each strategy paired with itself. Figures of the back-test are
    in currency; "-" where there is none.
    """
    by_name = {row["strategy"]: row for row in rows}
    if not by_name:
        return ["no strategy chooses a customer: no offer can be sent in the period of the plan"]
    known = sorted((n for n in names if n in by_name), key=lambda n: n != default)
    head = ("strategy", "chosen", "gross", "cost", "net", "95 % interval of net")
    cells = [head, *(_cells(by_name[name], name == default) for name in known)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
    lines = [
        "  ".join(
            text.ljust(width) if k == 0 else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]
    return ["back-test one horizon earlier: value kept by strategy, in currency", *lines]


def _cells(row: Mapping[str, Any], is_default: bool) -> tuple[str, ...]:
    low, high = row["ci_low"], row["ci_high"]
    interval = "-" if low is None else f"{low:,.0f} to {high:,.0f}"
    name = f"{row['strategy']} (default)" if is_default else row["strategy"]
    money = (row["value_kept"], row["cost"], row["net_value_kept"])
    return (
        name,
        f"{row['chosen']:,}",
        *("-" if m is None else f"{m:,.0f}" for m in money),
        interval,
    )
