"""The text of a guessed conf/<env>.yaml, with sample values and doubts as comments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from models.guessing.orders import ColumnGuess, OrdersGuess
from pipelines.ingestion.samples import Sample
from runtime.wording import plural

# Columns that are not used are listed up to this number.
MOST_UNUSED = 40


@dataclass(frozen=True)
class SourceText:
    """What the file says about the source besides the guess. doubts: about how it is written."""

    format: str
    path: str
    options: Mapping[str, str]
    sample: Sample
    doubts: Sequence[str]


def rendered(env: str, source: SourceText, guess: OrdersGuess) -> str:
    """The YAML text."""
    lines = [*_head(env, source, guess), *(f"    {line}" for line in _source(source, guess))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _head(env: str, source: SourceText, guess: OrdersGuess) -> Iterator[str]:
    read = plural(len(source.sample.table), "row")
    yield f"# Guessed by `holdfast init` from {read} of {_one_line(source.sample.title)}."
    yield "# The comments show sample values. Read every line, above all those with DOUBT. Then run"
    yield f"# `holdfast check {env}`. docs/own_data.md explains each setting."
    if guess.currency:
        yield f"currency: {_scalar(guess.currency)}"
    else:
        yield "# currency: EUR   # DOUBT: no column names the currency. Set it for the report."
    yield ""
    yield "sources:"
    yield "  orders:"


def _source(source: SourceText, guess: OrdersGuess) -> Iterator[str]:
    yield "table: transactions"
    yield f"format: {source.format}"
    yield f"path: {_scalar(source.path)}"
    if source.options:
        options = ", ".join(
            f"{name}: {json.dumps(value)}" for name, value in source.options.items()
        )
        yield f"options: {{{options}}}"
    yield from _doubts(source.doubts)
    yield from _key(guess)
    yield from _time_zone(guess)
    yield from _where(guess)
    if guess.has_unused_personal:
        yield "# Columns that the mapping does not use, such as names, are not stored."
        yield "keep_unmapped: false"
    yield "mapping:"
    for line in _mapping(guess, source.sample.headers):
        yield f"  {line}"
    yield from _unused(guess)


def _key(guess: OrdersGuess) -> Iterator[str]:
    if guess.key:
        yield f"key: [{', '.join(guess.key)}]"
    yield from _doubts(guess.doubts)


def _time_zone(guess: OrdersGuess) -> Iterator[str]:
    when = guess.mapping.get("purchased_at")
    if when and any("time_zone" in doubt for doubt in when.doubts):
        yield "# time_zone: Europe/Berlin   # the zone of the times in the file"


def _where(guess: OrdersGuess) -> Iterator[str]:
    for out in guess.left_out:
        shown = f", such as {_one_line(out.example)!r}" if out.example else ""
        yield f"# Left out {out.reason}: {plural(out.rows, 'row')} of the sample{shown}."
    for note in guess.notes:
        yield f"# {_one_line(note)}"
    for place, out in enumerate(guess.left_out):
        if not place:
            yield "where: >-"
        yield f"  {'and ' if place else ''}{_one_line(out.condition)}"


def _mapping(guess: OrdersGuess, headers: Mapping[str, str]) -> Iterator[str]:
    for target, column in guess.mapping.items():
        yield f"{target}: {_expression(column, headers)}   # {_samples(column.samples)}"
        yield from _doubts(column.doubts)
    if guess.currency_column:
        yield f"currency: {_scalar(guess.currency_column)}"
    for missing in guess.missing:
        yield f"# {missing}: ???   # DOUBT: no column looks like it. Name the column or write SQL."


def _expression(column: ColumnGuess, headers: Mapping[str, str]) -> str:
    """The expression; where it is a column, its name as in the file."""
    is_column = column.expression.strip("`") == column.source
    return _scalar(headers.get(column.source, column.source) if is_column else column.expression)


def _unused(guess: OrdersGuess) -> Iterator[str]:
    if guess.unused:
        yield "# Not used:"
    for name, samples in [*guess.unused.items()][:MOST_UNUSED]:
        yield f"#   {_one_line(name)}: {_samples(samples)}"


def _doubts(doubts: Sequence[str]) -> Iterator[str]:
    for doubt in doubts:
        yield f"# DOUBT: {_one_line(doubt)}"


def _samples(samples: Sequence[str]) -> str:
    return " | ".join(_one_line(s) for s in samples) or "no values"


def _one_line(text: str) -> str:
    """The text without line breaks and other control characters, which would end a comment."""
    return "".join(c if c.isprintable() else " " for c in text)


def _scalar(text: str) -> str:
    """A text as YAML, in quotes where it needs them."""
    dumped = yaml.safe_dump(text, allow_unicode=True, width=10_000, default_flow_style=True)
    return dumped.removesuffix("\n").removesuffix("\n...")
