"""Write conf/<env>.yaml for an export of orders: read a sample, guess, render."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

from models.guessing.orders import ColumnChoiceError, OrdersGuess, guess_orders
from models.guessing.text_format import TextFormat, UnreadableFileError, guess_text_format
from pipelines.ingestion.conf_text import SourceText, rendered
from pipelines.ingestion.converted_files import READABLE, from_workbook, in_utf_8, is_workbook
from pipelines.ingestion.local_files import local_files
from pipelines.ingestion.sample_rows import read_sample, spread
from pipelines.ingestion.samples import Sample
from runtime.errors import SourceError, UsageError
from runtime.progress import Progress
from runtime.settings.new_environment import InitOptions
from runtime.wording import plural

# Bytes of a file from which encoding and separator are guessed, and the files that are looked at.
MOST_BYTES, MOST_FILES = 8 * 1024 * 1024, 12
NAME = "orders"


def run(options: InitOptions) -> None:
    """Write the file and print what was guessed, what is doubtful, and the next command.

    SourceError if the export cannot be read. UsageError if the file cannot be written.
    """
    progress, target = Progress(), options.target
    files = [Path(file) for file in local_files(NAME, str(options.export.resolve()))]
    format_name, files, reader, notes = _as_readable(_of_one_kind(files, progress), progress)
    given = reader.options if reader else {}
    sample = read_sample(NAME, format_name, files, options=given)
    if not len(sample.table):
        raise SourceError(
            f"{sample.title} names its columns but has no rows, so nothing is guessed."
        )
    guess = _guess(sample, options)
    doubts = (*(reader.doubts if reader else ()), *notes, *_malformed(sample))
    source = SourceText(format_name, _pattern(files), given, sample, doubts)
    try:
        target.write_text(rendered(target.stem, source, guess), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{target}: cannot be written: {error.strerror}. Name a folder of your own with "
            f"--conf-dir."
        ) from None
    if options.facts is not None:
        options.facts.write_text(_facts(sample, guess, [*doubts]), encoding="utf-8")
    _tell(progress, target, sample, guess, [*doubts, *guess.doubts])


def _guess(sample: Sample, options: InitOptions) -> OrdersGuess:
    """The guess, with what a person said about the columns. UsageError if that does not fit."""
    in_bronze = {header: name for name, header in sample.headers.items()}
    columns = {r: n and in_bronze.get(n, n) for r, n in options.columns.items()}
    rows = sample.table.drop_columns(["_file", "_malformed"]).to_pandas()
    try:
        guess = guess_orders(rows, columns)
    except ColumnChoiceError as error:
        raise UsageError(f"--column {error}") from None
    return replace(guess, currency=options.currency) if options.currency else guess


def _facts(sample: Sample, guess: OrdersGuess, doubts: list[str]) -> str:
    """The guess as JSON, for a program that shows it. headers: column -> its name in the file."""
    facts: Mapping[str, object] = {
        "rows": len(sample.table),
        "rows_in_all": sample.rows_in_all,
        "headers": {name: sample.headers.get(name, name) for name in sample.types},
        **asdict(guess),
        "doubts": [*doubts, *guess.doubts],
    }
    return json.dumps(facts, ensure_ascii=False, default=str)


def _of_one_kind(files: list[Path], progress: Progress) -> list[Path]:
    """The files with the most frequent ending."""
    endings = Counter(_ending(f) for f in files)
    chosen = max(endings, key=lambda e: (endings[e], e))
    others = [f.name for f in files if _ending(f) != chosen]
    if others:
        progress.warn(f"{plural(len(others), 'file')} of another kind not read: {others[0]}.")
    return [f for f in files if _ending(f) == chosen]


def _ending(file: Path) -> str:
    return "".join(file.suffixes[-2:] if file.suffix == ".gz" else file.suffixes[-1:]).lower()


def _as_readable(
    files: list[Path], progress: Progress
) -> tuple[str, list[Path], TextFormat | None, list[str]]:
    """Format, files that ingest can read, how their text is written, and doubts."""
    head = _first_bytes(files[0])[:4]
    if head == b"PAR1":
        return "parquet", files, None, []
    copies = [from_workbook(file) for file in files] if is_workbook(head) else []
    reader = _common_format(copies or files)
    if reader.encoding not in READABLE:
        copies = [in_utf_8(file, reader.codec) for file in copies or files]
        reader = replace(reader, codec="utf-8", encoding="UTF-8")
    if not copies:
        return "csv", files, reader, []
    progress.say(f"{plural(len(copies), 'file')} copied for ingest, such as {copies[0]}.")
    return "csv", copies, reader, [f"Ingest cannot read {files[0].name}, so path names a copy."]


def _common_format(files: list[Path]) -> TextFormat:
    """The format of all files. SourceError if their separators differ."""
    formats = [(f.name, _text_format(f)) for f in spread(files, MOST_FILES)]
    first = formats[0][1]
    for name, form in formats:
        if form.separator != first.separator:
            raise SourceError(
                f"{name} is separated by {form.separator!r}, but {files[0].name} by "
                f"{first.separator!r}. Give each kind of file a folder of its own."
            )
    # Plain ASCII is valid UTF-8: another file may show the encoding.
    other = next((t for _, t in formats if t.encoding != "UTF-8"), first)
    return replace(other, is_multiline=any(t.is_multiline for _, t in formats))


def _first_bytes(file: Path) -> bytes:
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
            return stream.read(MOST_BYTES)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read: {error.strerror}.") from None


def _text_format(file: Path) -> TextFormat:
    try:
        return guess_text_format(_first_bytes(file))
    except UnreadableFileError as error:
        raise SourceError(f"{file.name} {error}.") from None


def _pattern(files: list[Path]) -> str:
    if len(files) == 1:
        return str(files[0])
    return str(files[0].parent / f"*{_ending(files[0])}")


def _malformed(sample: Sample) -> list[str]:
    number = len(sample.table) - sample.table.column("_malformed").null_count
    if not number:
        return []
    rows = "row has" if number == 1 else "rows have"
    return [f"{number:,} {rows} too few or too many columns. Ingest quarantines such rows."]


def _tell(
    progress: Progress, target: Path, sample: Sample, guess: OrdersGuess, doubts: list[str]
) -> None:
    read = plural(len(sample.table), "row")
    is_part = len(sample.table) < sample.rows_in_all
    of_all = f" of about {sample.rows_in_all:,}" if is_part else ""
    progress.say(f"Read {read}{of_all} of {sample.title}.")
    for target_name, column in guess.mapping.items():
        progress.say(f"      {target_name:<14} {column.source}")
    for out in guess.left_out:
        shown = f" ({out.example})" if out.example else ""
        progress.say(f"      left out {out.reason}: {plural(out.rows, 'row')}{shown}")
    for note in guess.notes:
        progress.say(f"      {note}")
    for doubt in (*doubts, *(d for g in guess.mapping.values() for d in g.doubts)):
        progress.say(f"      doubt: {doubt}")
    for missing in guess.missing:
        progress.say(f"      missing: no column looks like {missing}. Add it to the mapping.")
    first = "" if find_spec("duckdb") else "`bin/setup duckdb` once, and "
    progress.say(f"Wrote {target}. Read it, then run {first}`holdfast check {target.stem}`.")
