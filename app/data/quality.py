"""What became of the rows of an upload."""

from __future__ import annotations

from app.lake import Lake, Row

MOST_REJECTED = 100_000


def counts(lake: Lake) -> Row:
    """One row: rows in, kept, quarantined, duplicate, left out; others: the last two together."""
    return lake.row(
        """SELECT sum(rows_in) AS rows_in, sum(rows_kept) AS rows_kept,
                  sum(rows_quarantined) AS rows_quarantined,
                  sum(rows_duplicate) AS rows_duplicate,
                  coalesce(sum(rows_left_out), 0) AS rows_left_out,
                  sum(rows_duplicate) + coalesce(sum(rows_left_out), 0) AS others
           FROM {bronze.ingest_log}"""
    )


def faults(lake: Lake) -> list[str]:
    """Why files were not loaded."""
    sql = "SELECT DISTINCT fault FROM {bronze.ingest_log} WHERE fault IS NOT NULL"
    return [row["fault"] for row in lake.rows(sql)]


def reasons(lake: Lake) -> list[Row]:
    """One row per rule that rejected rows, the most frequent first. A row can break several."""
    return lake.rows(
        """SELECT reason, count(*) AS rows
           FROM (SELECT unnest(string_split(reasons, ', ')) AS reason FROM {silver.quarantine}
                 WHERE NOT is_replayed)
           GROUP BY reason ORDER BY rows DESC, reason"""
    )


def rejected(lake: Lake) -> list[tuple[str, str]]:
    """Reasons and JSON text of the rejected rows; at most MOST_REJECTED. Not kept in memory."""
    sql = f"""SELECT reasons, row FROM {{silver.quarantine}} WHERE NOT is_replayed
              ORDER BY row_id LIMIT {MOST_REJECTED}"""
    columns = lake.columns(sql, {})
    return [*zip(columns["reasons"].tolist(), columns["row"].tolist(), strict=True)]
