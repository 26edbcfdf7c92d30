"""Scan the bytes of a text file before Spark reads it: header, longest line, expansion.

Memory is bounded by one block, whatever the file holds. Of an uncompressed file, only the header
and one block per `max_line_bytes` are read. A compressed file is decompressed once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from contracts.rules import EMPTY, ENCODING, EXPANSION, LINE_LENGTH, UNREADABLE
from runtime.wording import plural

BLOCK = 65_536
# A compressed file may always expand to this size, whatever its ratio. So much does no harm.
ALWAYS_ALLOWED_BYTES = 64 * 1024 * 1024
# The lines of a bad file are counted up to this size, in about 10 s. Beyond it they are not.
COUNTED_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class Limits:
    """The limits of conf (section ingest) that a text file must keep.

    line_ends: the bytes of which each ends a line. Hadoop ends a line at LF, CR and CR LF.
    """

    max_line_bytes: int
    max_column_chars: int
    max_expansion: float
    line_ends: bytes = b"\n\r"

    def first_end(self, block: bytes) -> int:
        """The first line end of a block; -1: there is none."""
        firsts = (block.find(end) for end in self._ends)
        return min((at for at in firsts if at >= 0), default=-1)

    def last_end(self, block: bytes) -> int:
        """The last line end of a block; -1: there is none."""
        return max(block.rfind(end) for end in self._ends)

    @property
    def _ends(self) -> list[bytes]:
        return [bytes([end]) for end in self.line_ends]


@dataclass(frozen=True)
class Fault:
    """The rule that a file broke (contracts.rules.FILE_RULES), and its value.

    rows: the number of its rows or lines; None: they cannot be counted.
    """

    rule: str
    reason: str
    rows: int | None = None


def header_of(stream: IO[bytes], comment: bytes = b"") -> bytes | None:
    """The bytes up to the end of the first line that is neither blank nor a comment.

    Empty: the file has no such line. None: the line does not end in the first block. Files whose
    headers are equal byte by byte have the same columns.
    """
    block = stream.read(BLOCK)
    lines = block.splitlines(keepends=True)
    is_whole = len(block) < BLOCK
    for place, line in enumerate(lines):
        if line.strip() and not (comment and line.startswith(comment)):
            is_complete = is_whole or place < len(lines) - 1
            return b"".join(lines[: place + 1]) if is_complete else None
    return b"" if is_whole else None


def header_fault(header: bytes, encoding: str, is_header: bool) -> Fault | None:
    """The fault of a first line that is missing, or is no text in the declared encoding.

    is_header: False: the line is a row, and the encoding of a row is a matter of the row's rules.
    """
    if not header:
        return Fault(EMPTY, "it has no line with text", 0)
    if not is_header:
        return None
    try:
        text = header.decode(encoding)
    except LookupError:  # Java knows names of encodings that Python does not.
        return None
    except UnicodeDecodeError as error:
        shown = header[error.start : error.start + 4].hex(" ")
        return Fault(ENCODING, f"its first line is not {encoding}, with the bytes {shown}")
    if "\0" in text:
        return Fault(ENCODING, f"its first line is not {encoding}, with NUL characters")
    return None


def plain_fault(stream: IO[bytes], limits: Limits) -> Fault | None:
    """The rule that an uncompressed file breaks, with its number of lines if they can be counted.

    No line is too long if, from the start of a line, the next `max_line_bytes` hold a line end.
    So the scan jumps that far and looks backward for the last line end. All lines before it are
    shorter.
    """
    limit, size, start = limits.max_line_bytes, stream.seek(0, 2), 0
    while size - start > limit:
        last = _line_end_before(stream, start, start + limit + 1, limits=limits)
        if last is None:
            stream.seek(0)
            return Fault(LINE_LENGTH, _too_long(limit), _lines(stream, limits))
        start = last + 1
    return None


def _line_end_before(stream: IO[bytes], start: int, end: int, *, limits: Limits) -> int | None:
    """The last line end in the bytes from `start` to before `end`."""
    while end > start:
        begin = max(start, end - BLOCK)
        stream.seek(begin)
        at = limits.last_end(stream.read(end - begin))
        if at >= 0:
            return begin + at
        end = begin
    return None


def _lines(stream: IO[bytes], limits: Limits) -> int | None:
    """The number of lines; None: there are more than COUNTED_BYTES."""
    count = _LineCount(limits)
    for _ in count.counted(stream):
        if count.bytes > COUNTED_BYTES:
            return None
    return count.lines


def compressed_fault(stream: IO[bytes], length: int, limits: Limits) -> Fault | None:
    """The first rule that a decompressing stream breaks, with its lines if they can be counted.

    length: the bytes of the compressed file.
    """
    allowed = max(ALWAYS_ALLOWED_BYTES, limits.max_expansion * length)
    fault, count, since = None, _LineCount(limits), 0
    try:
        for block in count.counted(stream):
            # Lines inside a block are shorter than any limit. One may go on from block to block.
            first = limits.first_end(block)
            since += len(block) if first < 0 else first
            if fault is None and since > limits.max_line_bytes:
                fault = Fault(LINE_LENGTH, _too_long(limits.max_line_bytes))
            if fault is None and count.bytes > allowed:
                fault = Fault(EXPANSION, _expands(length, allowed, limits.max_expansion))
            if first >= 0:
                since = len(block) - limits.last_end(block) - 1
            if fault and count.bytes > COUNTED_BYTES:
                return fault
    except (EOFError, OSError, zlib.error) as error:
        return fault or Fault(UNREADABLE, f"it cannot be decompressed ({error})")
    return Fault(fault.rule, fault.reason, count.lines) if fault else None


def _too_long(limit: int) -> str:
    return f"a line has more than {plural(limit, 'byte')}, which is ingest.max_line_bytes"


def _expands(length: int, allowed: float, ratio: float) -> str:
    return (
        f"its {plural(length, 'byte')} expand to more than {allowed:,.0f}, and "
        f"ingest.max_expansion is {ratio:g}"
    )


class _LineCount:
    """Counts the bytes and the lines of a stream. CR LF is one line end."""

    def __init__(self, limits: Limits) -> None:
        self.bytes = 0
        self._ends = dict.fromkeys((bytes([end]) for end in limits.line_ends), 0)
        self._is_ended = True

    def counted(self, stream: IO[bytes]) -> Iterator[bytes]:
        """The blocks of the stream."""
        while block := stream.read(BLOCK):
            self.bytes += len(block)
            for end in self._ends:
                self._ends[end] += block.count(end)
            self._is_ended = block[-1:] in self._ends
            yield block

    @property
    def lines(self) -> int:
        """The last line may have no end."""
        return max(self._ends.values()) + (not self._is_ended)
