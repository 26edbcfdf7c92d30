"""Refuse a file that no command should open: `python -m app.uploads.inspection FILE LIMITS`.

It runs in a process of its own, whose memory is limited. LIMITS is JSON: most_columns, most_rows,
most_expanded_mb. A refusal is one sentence on standard error, with exit code 2.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MEGABYTE = 1024 * 1024
# The names of the columns of a text file stand in its first line.
LONGEST_LINE = MEGABYTE
MOST_MEMBERS = 10_000
ROWS_AT_ONCE = 50_000
WORKBOOK = "xl/workbook.xml"
_CELL = re.compile(rb"<c[ >]")


class RefusedError(Exception):
    """Why a file is not read. The message is shown to the person who uploaded it."""


def inspect(file: Path, limits: Mapping[str, int]) -> str:
    """parquet, excel or text. RefusedError: the file breaks a limit, or is another kind of file."""
    with file.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise RefusedError("The file is empty. Export the orders again.")
    if head[:4] == b"PAR1":
        return _parquet(file, limits)
    if head[:4] == b"PK\x03\x04":
        return _workbook(file, limits)
    if head[:4] == b"\xd0\xcf\x11\xe0":
        raise RefusedError(
            "The file is an Excel file of the format before 2007. Save it as .xlsx or as CSV."
        )
    if head[:2] == b"\x1f\x8b" or head[:6] in (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"):
        raise RefusedError("The file is compressed. Unpack it and upload the CSV file inside.")
    if head[:4] == b"%PDF":
        raise RefusedError("The file is a PDF. Export the orders as CSV, Excel or Parquet.")
    return _text(file, limits)


def _parquet(file: Path, limits: Mapping[str, int]) -> str:
    try:
        metadata = pq.read_metadata(file)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0][:200]
        raise RefusedError(
            f"The Parquet file is damaged or incomplete: {reason}. Export it again."
        ) from None
    _check_columns(metadata.num_columns, limits)
    if metadata.num_rows > limits["most_rows"]:
        raise RefusedError(
            f"The file has {metadata.num_rows:,} rows, and at most {limits['most_rows']:,} are "
            "read. Upload fewer years."
        )
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    _check_size(sum(group.total_byte_size for group in groups), limits)
    return "parquet"


def in_microseconds(file: Path) -> None:
    """Rewrite a Parquet file whose times are in nanoseconds, as pandas writes them.

    Spark refuses these. The times are cut to microseconds, batch by batch.
    """
    parts = pq.ParquetFile(file)
    schema = parts.schema_arrow
    if not any(pa.types.is_timestamp(f.type) and f.type.unit == "ns" for f in schema):
        return
    fields = [
        f.with_type(pa.timestamp("us", f.type.tz))
        if pa.types.is_timestamp(f.type) and f.type.unit == "ns"
        else f
        for f in schema
    ]
    wanted, copy = pa.schema(fields), file.with_suffix(".draft")
    with pq.ParquetWriter(copy, wanted) as writer:
        for batch in parts.iter_batches(batch_size=ROWS_AT_ONCE):
            writer.write_table(pa.Table.from_batches([batch]).cast(wanted, safe=False))
    copy.replace(file)


def _workbook(file: Path, limits: Mapping[str, int]) -> str:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            names = {member.filename for member in members}
            if WORKBOOK not in names:
                raise RefusedError(
                    "The file is a zip archive and no Excel workbook. Unpack it and upload the "
                    "CSV, Excel or Parquet file inside."
                )
            if len(members) > MOST_MEMBERS:
                raise RefusedError(f"The workbook has {len(members):,} parts. Save it as CSV.")
            # zipfile never unpacks more than a member declares.
            _check_size(sum(member.file_size for member in members), limits)
            sheet = next((n for n in sorted(names) if n.startswith("xl/worksheets/sheet")), None)
            if sheet:
                with archive.open(sheet) as stream:
                    first_row = stream.read(4 * MEGABYTE).partition(b"</row>")[0]
                _check_columns(len(_CELL.findall(first_row)), limits)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
        raise RefusedError(
            f"The Excel file is damaged or protected by a password: {error}. Save it as CSV."
        ) from None
    return "excel"


def _text(file: Path, limits: Mapping[str, int]) -> str:
    with file.open("rb") as stream:
        line = stream.readline(LONGEST_LINE + 1)
    if len(line) > LONGEST_LINE:
        raise RefusedError(
            "The first line of the file is longer than 1 MB, so it does not hold the names of "
            "columns. Export the orders as CSV, Excel or Parquet."
        )
    _check_columns(1 + max(line.count(sign) for sign in (b";", b",", b"\t", b"|")), limits)
    return "text"


def _check_columns(columns: int, limits: Mapping[str, int]) -> None:
    if columns > limits["most_columns"]:
        raise RefusedError(
            f"The file has {columns:,} columns, and at most {limits['most_columns']:,} are read. "
            "Keep the columns of the orders: customer, order, day, amount and article."
        )


def _check_size(size: int, limits: Mapping[str, int]) -> None:
    most = limits["most_expanded_mb"]
    if size > most * MEGABYTE:
        raise RefusedError(
            f"The file holds {size / MEGABYTE:,.0f} MB when it is unpacked, and at most {most:,} "
            "MB are read. Upload fewer years, or save it as CSV."
        )


def main(arguments: list[str]) -> int:
    """The command line."""
    file, limits = arguments
    try:
        kind = inspect(Path(file), json.loads(limits))
        if kind == "parquet":
            in_microseconds(Path(file))
        print(f"kind: {kind}")
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
