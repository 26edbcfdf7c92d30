"""Guesses encoding, separator, header and line structure of a text file from its first bytes."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

SEPARATORS = (";", ",", "\t", "|")
# Byte order marks, and the encoding's names for Python and for Java.
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
# Encodings of one byte per character. Every byte is valid in most of them, so letters decide.
_ONE_BYTE = (("cp1252", "windows-1252"), ("cp850", "IBM850"), ("mac_roman", "x-MacRoman"))
_LETTERS = set("äöüÄÖÜßéèêëàâáçñóòôúùûíìîïåøæœÉÈÀÇÑÁÓÚÍ€£")
# Signs that are rarer, and that an encoding shows instead of letters where it is the wrong one.
_SIGNS = set("§°²»«ºª¿¡\xa0\u2013\u2019\u201c\u201d\u201e")
_VALUE = re.compile(r"[-+(]?[\d.,:/ ]*\d[\d.,:/ ]*[-)%€]?")
_CONTROL = bytes([*range(9), *range(14, 27)])
# Lines that are looked at. The structure of a file shows in its first lines.
MOST_LINES = 2_000
# Letters outside ASCII that decide about the encoding.
MOST_LETTERS = 10_000


class UnreadableFileError(Exception):
    """A file that is not a table of text. The message completes the sentence `<file> ...`."""


@dataclass(frozen=True)
class TextFormat:
    """How a file with separated values is written.

    codec: Python's name of the encoding; `encoding` is Java's, which Spark's reader takes.
    """

    codec: str
    encoding: str
    separator: str
    has_header: bool
    is_multiline: bool
    doubts: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, str]:
        """The options of Spark's reader that differ from the product's defaults."""
        options = {} if self.separator == "," else {"sep": self.separator}
        if self.encoding != "UTF-8":
            options["encoding"] = self.encoding
        if not self.has_header:
            options["header"] = "false"
        if self.is_multiline:
            options["multiLine"] = "true"
        return options


def guess_text_format(content: bytes) -> TextFormat:
    """The format of a file from its first bytes. UnreadableFileError if it is no table."""
    if not content.strip():
        raise UnreadableFileError("is empty. A file must at least name its columns")
    codec, encoding = _encoding(content)
    text = content.decode(codec, errors="ignore")
    lines = [line for line in text.splitlines()[:MOST_LINES] if line.strip()]
    separator, width = _separator(lines)
    if width < 2:
        raise UnreadableFileError(
            f"has one column only: its first line is {lines[0][:60]!r}. An export of orders has a "
            "customer, a time and an amount, separated by ; , | or a tab"
        )
    header = next(csv.reader(lines[:1], delimiter=separator))
    _check_preamble(lines, separator, width)
    doubts = []
    if encoding not in ("UTF-8", "UTF-16"):
        word = _example_word(text)
        doubts.append(f"The encoding is guessed as {encoding}: is {word!r} spelled correctly?")
    has_header = _is_header(header)
    if not has_header:
        doubts.append(
            "The first line holds values, not names. The columns are named _c0, _c1 and so on."
        )
    is_multiline = _is_multiline(text, separator, width)
    return TextFormat(codec, encoding, separator, has_header, is_multiline, tuple(doubts))


def _encoding(content: bytes) -> tuple[str, str]:
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            return codec, name
    printable = len(content.translate(None, delete=_CONTROL))
    if b"\0" in content or printable < 0.99 * len(content):
        raise UnreadableFileError(
            "is not a text file. Export the orders as CSV, Excel (.xlsx) or Parquet"
        )
    try:
        content.decode("utf-8")
        return "utf-8", "UTF-8"
    except UnicodeDecodeError as error:
        # The sample may end within a character.
        if error.start > len(content) - 4 and error.reason == "unexpected end of data":
            return "utf-8", "UTF-8"

    letters = b"".join(re.findall(rb"[\x80-\xff]", content)[:MOST_LETTERS])

    def usual(codec: str) -> float:
        foreign = letters.decode(codec, errors="replace")
        return sum((c in _LETTERS) + 0.5 * (c in _SIGNS) for c in foreign) / len(foreign)

    return max(_ONE_BYTE, key=lambda names: usual(names[0]))


def _widths(lines: Sequence[str], separator: str) -> Counter[int]:
    return Counter(len(row) for row in csv.reader(lines, delimiter=separator) if row)


def _separator(lines: Sequence[str]) -> tuple[str, int]:
    """The separator with the most even number of columns, and that number."""

    def evenness(separator: str) -> tuple[float, int]:
        width, rows = _widths(lines, separator).most_common(1)[0]
        return (rows / len(lines) if width > 1 else 0.0, width)

    best = max(SEPARATORS, key=evenness)
    return best, evenness(best)[1]


def _check_preamble(lines: Sequence[str], separator: str, width: int) -> None:
    """UnreadableFileError if the table begins below other lines: Spark cannot skip them."""
    rows = list(csv.reader(lines, delimiter=separator))
    first = next(i for i, row in enumerate(rows) if len(row) == width and sum(map(bool, row)) > 1)
    if first:
        raise UnreadableFileError(
            f"begins with {first} line{'s' * (first > 1)} above the table, such as "
            f"{lines[0][:60]!r}. Remove everything above the names of the columns"
        )


def _is_header(cells: Sequence[str]) -> bool:
    names = [c.strip() for c in cells]
    values = sum(bool(_VALUE.fullmatch(name)) for name in names)
    return values == 0 and sum(map(bool, names)) >= len(names) / 2


def _is_multiline(text: str, separator: str, width: int) -> bool:
    """Whether a quoted value goes on in the next line."""
    if '"' not in text:
        return False
    lines = text.splitlines()[:MOST_LINES]
    # A quoted value that is open at the end of a line has an odd number of quotes.
    if not any(line.count('"') % 2 for line in lines):
        return False
    rows = _widths([line + "\n" for line in lines], separator)
    return rows[width] >= 0.9 * sum(rows.values())


def _example_word(text: str) -> str:
    words = re.findall(r"[^\W\d_]*[^\x00-\x7f\W\d_][^\W\d_]*", text)
    signs = re.findall(r"[\w.,]* ?[^\x00-\x7f]", text)
    return str([*words, *signs, ""][0])[:30]
