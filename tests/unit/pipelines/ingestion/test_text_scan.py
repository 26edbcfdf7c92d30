"""Scans of text files: the longest line, the expansion, the header. Memory stays one block."""

from __future__ import annotations

import bz2
import gzip
import io
import tracemalloc

import pytest

from pipelines.ingestion import text_scan
from pipelines.ingestion.text_scan import (
    BLOCK,
    Fault,
    Limits,
    compressed_fault,
    header_fault,
    header_of,
    plain_fault,
)

LIMIT = 100_000
LIMITS = Limits(max_line_bytes=LIMIT, max_column_chars=LIMIT, max_expansion=200)
TOO_LONG = "a line has more than 100,000 bytes, which is ingest.max_line_bytes"


def scanned(content: bytes, *, is_compressed: bool, limits: Limits = LIMITS) -> Fault | None:
    if not is_compressed:
        return plain_fault(io.BytesIO(content), limits)
    packed = gzip.compress(content, 1)
    return compressed_fault(gzip.GzipFile(fileobj=io.BytesIO(packed)), len(packed), limits)


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", None),
        (b"a,b\n", None),
        # Exactly the limit, at every place of the file, and one byte more.
        (b"x" * LIMIT, None),
        (b"x" * (LIMIT + 1), 1),
        (b"x" * LIMIT + b"\n", None),
        (b"x" * (LIMIT + 1) + b"\n", 1),
        (b"a\n" + b"x" * LIMIT + b"\nb\n", None),
        (b"a\n" + b"x" * (LIMIT + 1) + b"\nb\n", 3),
        (b"a\n" * LIMIT + b"x" * (LIMIT + 1), LIMIT + 1),
        # CR LF and CR alone end a line too. CR LF is one end.
        (b"a\r\n" + b"x" * (LIMIT + 1) + b"\r\nb\r\n", 3),
        (b"a\r" + b"x" * LIMIT + b"\rb", None),
        (b"a\r" + b"x" * (LIMIT + 1) + b"\rb", 3),
        # Lines that end at the edge of a block.
        ((b"x" * (BLOCK - 1) + b"\n") * 4, None),
        ((b"x" * BLOCK + b"\n") * 4, None),
    ],
)
def test_a_line_may_have_as_many_bytes_as_the_limit(content, lines, is_compressed):
    expected = None if lines is None else Fault("line_length", TOO_LONG, lines)
    assert scanned(content, is_compressed=is_compressed) == expected


def test_a_source_may_name_its_own_line_end():
    content = b"|".join([b"x" * 60_000] * 4)
    assert scanned(content, is_compressed=False).rule == "line_length"
    own = Limits(LIMIT, LIMIT, 200, line_ends=b"|")
    assert scanned(content, is_compressed=False, limits=own) is None
    assert scanned(content, is_compressed=True, limits=own) is None


def test_of_a_large_file_only_one_block_per_limit_is_read():
    """20 MB of short lines: 200 jumps of 100,000 bytes, so 200 blocks at most, plus the last."""

    class Counted(io.BytesIO):
        taken = 0

        def read(self, size=-1):
            data = super().read(size)
            self.taken += len(data)
            return data

    limits = Limits(1_000_000, 1_000_000, 200)
    stream = Counted(b"0123456789abcde\n" * 1_250_000)
    assert plain_fault(stream, limits) is None
    assert stream.taken <= 20 * BLOCK


def test_a_compressed_file_may_expand_to_the_ratio_of_conf(monkeypatch):
    monkeypatch.setattr(text_scan, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    content = b"0,0,0,0\n" * 250_000  # 2,000,000 bytes
    packed = gzip.compress(content)
    ratio = len(content) / len(packed)
    scan = lambda limit: compressed_fault(  # noqa: E731
        gzip.GzipFile(fileobj=io.BytesIO(packed)), len(packed), Limits(LIMIT, LIMIT, limit)
    )
    assert scan(ratio + 1) is None
    allowed = (ratio - 1) * len(packed)
    assert scan(ratio - 1) == Fault(
        "expansion",
        f"its {len(packed):,} bytes expand to more than {allowed:,.0f}, and ingest.max_expansion "
        f"is {ratio - 1:g}",
        250_000,
    )
    # Whatever the ratio, the first bytes are allowed.
    monkeypatch.setattr(text_scan, "ALWAYS_ALLOWED_BYTES", 2_000_000)
    assert scan(1) is None


@pytest.mark.parametrize("is_compressed", [False, True])
def test_the_lines_of_a_huge_bad_file_are_not_counted(monkeypatch, is_compressed):
    monkeypatch.setattr(text_scan, "COUNTED_BYTES", 300_000)
    content = b"x" * (LIMIT + 1) + b"\n" + b"a\n" * 200_000
    assert scanned(content, is_compressed=is_compressed) == Fault("line_length", TOO_LONG, None)


def test_a_gigabyte_in_one_line_is_found_in_bounded_memory():
    """64 MiB of zeros in 64 KB, as a gigabyte in 1 MB. The scan holds a few blocks of 64 KiB."""
    packed = gzip.compress(b"0" * (64 * 2**20))
    tracemalloc.start()
    fault = compressed_fault(gzip.GzipFile(fileobj=io.BytesIO(packed)), len(packed), LIMITS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fault == Fault("line_length", TOO_LONG, 1)
    assert peak < 2 * 2**20


GOOD = gzip.compress(b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(50_000)))


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (GOOD[: len(GOOD) // 2], "ended before the end-of-stream marker was reached"),
        (GOOD[:-4], "ended before the end-of-stream marker was reached"),
        (GOOD[:1000] + b"\xff" * 100 + GOOD[1100:], ""),
        (b"a,b\n1,2\n", "Not a gzipped file"),
    ],
)
def test_a_damaged_gzip_file_is_unreadable(packed, reason):
    fault = compressed_fault(gzip.GzipFile(fileobj=io.BytesIO(packed)), len(packed), LIMITS)
    assert (fault.rule, fault.rows) == ("unreadable", None)
    assert fault.reason.startswith("it cannot be decompressed (")
    assert reason in fault.reason


def test_two_members_of_a_gzip_file_are_one_text():
    two = gzip.compress(b"a" * 60_000) + gzip.compress(b"a" * 60_000)
    fault = compressed_fault(gzip.GzipFile(fileobj=io.BytesIO(two)), len(two), LIMITS)
    assert fault == Fault("line_length", TOO_LONG, 1)


def test_any_decompressing_stream_is_scanned():
    packed = bz2.compress(b"x" * (LIMIT + 1))
    stream = bz2.BZ2File(io.BytesIO(packed))
    assert compressed_fault(stream, len(packed), LIMITS) == Fault("line_length", TOO_LONG, 1)


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"a,b\n1,2\n", b"a,b\n"),
        (b"a,b\r\n1,2\r\n", b"a,b\r\n"),
        (b"a,b", b"a,b"),
        # Blank lines and comments before the header belong to its bytes.
        (b"\n \n#note\na,b\n1,2\n", b"\n \n#note\na,b\n"),
        (b"\n \n", b""),
        (b"", b""),
        # The line does not end in the first block.
        (b"x" * (BLOCK + 1), None),
        (b"\n" * (BLOCK + 1), None),
    ],
)
def test_the_header_is_the_first_line_with_text(content, header):
    assert header_of(io.BytesIO(content), comment=b"#") == header


@pytest.mark.parametrize(
    ("header", "encoding", "fault"),
    [
        ("größe,b\n".encode(), "UTF-8", None),
        ("größe,b\n".encode("latin-1"), "ISO-8859-1", None),
        (
            "größe,b\n".encode("latin-1"),
            "UTF-8",
            Fault("encoding", "its first line is not UTF-8, with the bytes f6 df 65 2c"),
        ),
        (
            "a,b\n".encode("utf-16"),
            "UTF-8",
            Fault("encoding", "its first line is not UTF-8, with the bytes ff fe 61 00"),
        ),
        (
            "a,b\n".encode("utf-16-be"),
            "UTF-8",
            Fault("encoding", "its first line is not UTF-8, with NUL characters"),
        ),
        (b"a,b\n", "x-IBM1006", None),
        (b"", "UTF-8", Fault("empty", "it has no line with text", 0)),
    ],
)
def test_a_header_must_be_text_in_the_declared_encoding(header, encoding, fault):
    assert header_fault(header, encoding, is_header=True) == fault


def test_the_encoding_of_a_first_row_is_a_matter_of_its_rules():
    assert header_fault("größe".encode("latin-1"), "UTF-8", is_header=False) is None
