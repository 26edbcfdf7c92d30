"""What speaks against a guess, in sentences."""

from __future__ import annotations

from models.guessing.columns import ColumnProfile
from models.guessing.numbers import NumberForm

# Below this confidence a guess is a doubt.
SURE = 0.65


def column_doubts(target: str, column: ColumnProfile, confidence: float) -> list[str]:
    """What is doubtful about a column that is taken for `target`."""
    doubts = []
    if confidence < SURE:
        doubts.append(f"Only guessed: does {column.name} hold the {target}?")
    dates, numbers = column.dates, column.numbers
    if target == "purchased_at" and dates:
        if dates.is_ambiguous:
            first = "day" if dates.patterns[0][0] == "d" else "month"
            doubts.append(
                f"{dates.examples[0]} is read with the {first} first. No value shows whether the "
                "day or the month comes first."
            )
        if dates.has_times and not dates.has_zones:
            doubts.append("The times have no zone. They are read as UTC unless time_zone is set.")
        unread = column.texts.notna() & dates.parsed(column.texts).isna()
        if unread.any():
            doubts.append(f"No date: {column.texts[unread].iloc[0]!r}.")
    if target in ("amount", "quantity", "discount") and numbers:
        if numbers.is_ambiguous:
            doubts.append(
                f"{column.samples[0]} is read with {_mark(numbers)} as decimal mark. No value "
                "shows which mark it is."
            )
        if numbers.contrary:
            doubts.append(
                f"{numbers.contrary!r} seems to have another decimal mark than the other values, "
                f"which have {_mark(numbers)}."
            )
    if target == "customer_id" and column.is_personal:
        doubts.append("The customer is identified by personal data. A customer number is better.")
    return doubts


def _mark(form: NumberForm) -> str:
    return "a comma" if form.decimal == "," else "a point"
