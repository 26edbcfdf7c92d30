"""Bad files: the warning, and how they count against ingest.max_quarantined_share."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from contracts.rules import FILE_RULES
from contracts.silver import TRANSACTIONS
from pipelines.ingestion.bad_files import BadFile, BadShare, bad_share
from pipelines.ingestion.row_counts import RowCounts, check_share
from pipelines.ingestion.source_files import SourceFile
from pipelines.ingestion.text_scan import Fault
from runtime.errors import QualityGateError


def bad(length, rows, rule="unreadable"):
    file = SourceFile("b", "day1.csv", "file:/day1.csv", length, 0)
    return BadFile(file, Fault(rule, "it has the value 7, and the limit is 5", rows))


def settings(limit):
    return SimpleNamespace(env="acme", ingest=SimpleNamespace(max_quarantined_share=limit))


def test_the_warning_has_file_value_rule_and_fix():
    assert bad(10, None, "encoding").message("orders") == (
        "orders: day1.csv is quarantined as a file (encoding): it has the value 7, and the limit "
        "is 5. None of its rows are loaded. Set sources.orders.options.encoding in conf, or "
        "deliver it in this encoding. It is tried again when its length or its modification time "
        "has changed."
    )
    for rule in FILE_RULES:
        assert f"({rule}): " in bad(10, None, rule).message("orders")


def test_a_bad_file_counts_with_its_rows_or_else_with_its_bytes():
    assert bad_share([], 1000) == BadShare(0, 0, 0.0)
    # 30 rows, and (100 + 50) of 1,000 bytes.
    files = [bad(700, 30), bad(100, None), bad(50, None)]
    assert bad_share(files, 1000) == BadShare(3, 30, 150 / 1000)
    # Only empty files: no bytes, and no rows.
    assert bad_share([bad(0, 0)], 0) == BadShare(1, 0, 0.0)


@pytest.mark.parametrize(
    ("share", "quarantined", "rows_in", "expected"),
    [
        (BadShare(), 0, 0, 0.0),
        (BadShare(), 5, 100, 5 / 100),
        (BadShare(1, rows=25), 5, 75, (5 + 25) / (75 + 25)),
        (BadShare(1, rows=25), 0, 0, 1.0),
        # A fifth of the bytes, and a tenth of the rows of the other four fifths.
        (BadShare(1, byte_share=0.2), 10, 100, 0.2 + 0.8 * 0.1),
        (BadShare(1, byte_share=1.0), 0, 0, 1.0),
    ],
)
def test_the_share_of_rows_and_files(share, quarantined, rows_in, expected):
    assert share.of(quarantined, rows_in) == pytest.approx(expected, abs=1e-15)


def test_exit_code_3_only_above_the_limit():
    rows = [("b1", "kept", None, None, 90), ("b1", "quarantined", "amount_type", None, 5)]
    counts = RowCounts("orders", TRANSACTIONS, rows)
    # 5 rows and 5 rows of a bad file, of 100.
    share = BadShare(1, rows=5)
    check_share([(counts, share)], settings(0.10))
    with pytest.raises(QualityGateError) as caught:
        check_share([(counts, share)], settings(0.09))
    assert str(caught.value) == (
        "orders: 1 file and 5 of 95 rows (10.0%) would be quarantined, the limit is 9.0%. The "
        "warnings above name the files. Most frequent reasons: amount_type 5. amount_type means: "
        "the value cannot be read as the type of its column.\n"
        "Nothing was written. Fix the source or its mapping in conf/acme.yaml, set a rule's "
        "severity to warn, or raise ingest.max_quarantined_share."
    )
    assert caught.value.exit_code == 3
    none = RowCounts("orders", TRANSACTIONS, [])
    with pytest.raises(QualityGateError) as caught:
        check_share([(none, BadShare(2, byte_share=0.25))], settings(0.05))
    assert str(caught.value).splitlines()[0] == (
        "orders: 2 files and 0 of 0 rows (25.0%) would be quarantined, the limit is 5.0%. The "
        "warnings above name the files."
    )
