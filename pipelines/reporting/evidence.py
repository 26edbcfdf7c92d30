"""The page's last sections: the window of silence, what RFM misses, where the numbers come from."""

from __future__ import annotations

from pipelines.reporting import sentences as say
from pipelines.reporting.facts import MOST_QUARANTINE_REASONS, Facts, Row
from pipelines.reporting.html import Cell, meter, note, table
from pipelines.reporting.phrases import money, percent, share, whole

WRONG_HEADS = (
    "No purchase within",
    "Seen until",
    "Customers and dates",
    "Leavers",
    "Share",
    "Back after all",
    "Share of the leavers",
)


def window(facts: Facts) -> list[str]:
    """Returns after a silence, and after the label said leaver."""
    if not facts.silences:
        return []
    horizons = sorted({r["horizon_days"] for r in facts.silences})
    found = {(r["silent_days"], r["horizon_days"]): r for r in facts.silences}
    rows = [_returns(facts, silent, horizons, found) for silent in sorted({k[0] for k in found})]
    heads = ["Silent"]
    for h in horizons:
        heads += [f"Seen {h} days on", f"Back within {h} days", "Share"]
    first = min(r["first_as_of"] for r in facts.silences)
    last = max(r["last_as_of"] for r in facts.silences)
    lead = f" Windows begin {facts.lead_days} days after the date." if facts.lead_days else ""
    parts = [
        table(heads, rows, caption="Who comes back after a silence", style="wide"),
        note(
            f"Customers and dates, each customer once a date, over the dates from {first} to "
            f"{last} whose labels had matured by {facts.as_of}; the latest dates count for the "
            f"shorter horizon alone.{lead}"
        ),
    ]
    if facts.returns:
        parts += [
            table(
                WRONG_HEADS,
                [_wrong(r) for r in facts.returns],
                texts=2,
                caption="How often the label is wrong in the end",
                style="wide",
            ),
            note("Each row over the dates whose later label had matured by then."),
        ]
    return parts


def _returns(
    facts: Facts, silent: int, horizons: list[int], found: dict[tuple[int, int], Row]
) -> list[Cell]:
    name = f"over {silent} days" if silent else "all with a purchase"
    cells: list[Cell] = [name]
    for horizon in horizons:
        row = found.get((silent, horizon), {"rows": 0, "returned": 0})
        part = share(row["returned"], row["rows"])
        cells += [whole(row["rows"]), whole(row["returned"]), percent(part)]
    return cells


def _wrong(row: Row) -> list[Cell]:
    return [
        f"{row['horizon_days']} days",
        f"day {row['later_days']}",
        whole(row["rows"]),
        whole(row["leavers"]),
        percent(share(row["leavers"], row["rows"])),
        whole(row["returned"]),
        percent(share(row["returned"], row["leavers"])),
    ]


def missed(facts: Facts) -> list[str]:
    """What became of the safe, of the lost, and of each segment."""
    if facts.tested_as_of is None or not facts.tested:
        return []
    safe = [r for r in facts.tested if r["segment"] in facts.safe_segments]
    lost = [r for r in facts.tested if r["lifecycle"] == "lost"]
    left, back = say.total(safe, "churned"), [r["customers"] - r["churned"] for r in lost]
    verdicts: list[list[Cell]] = [
        [
            f"Called safe ({', '.join(facts.safe_segments)}), and left",
            whole(say.total(safe, "customers")),
            whole(left),
            percent(share(left, say.total(safe, "customers"))),
            money(say.total(safe, "revenue_lost")),
        ],
        [
            "Called lost, and came back",
            whole(say.total(lost, "customers")),
            whole(sum(back)),
            percent(share(sum(back), say.total(lost, "customers"))),
            "-",
        ],
    ]
    rows = [_observed(facts, name) for name in facts.segment_order]
    heads = ["Segment then", "Customers", "Left", "Observed churn", "", "Predicted churn"]
    lead = f", from {facts.lead_days} days after it" if facts.lead_days else ""
    return [
        table(
            ["What RFM said", "Customers", "Were wrong", "Share", f"Revenue, {facts.rfm_days} d"],
            verdicts,
            caption="Where the label and the outcome disagree",
            style="wide",
        ),
        table(
            heads,
            [row for row in rows if row],
            texts=(0, 4),
            caption="Observed churn by segment",
            style="wide",
        ),
        note(
            f"Segments of {facts.tested_as_of}; left: no purchase within {facts.horizon_days} days"
            f"{lead}. Predicted: mean of that day's scores, which the lost have not."
            + _caution(facts)
        ),
    ]


def _caution(facts: Facts) -> str:
    """Where the champion was trained on that very date, its scores prove nothing."""
    is_seen = facts.model is not None and str(facts.tested_as_of) in facts.model.trained_on
    return " The champion was trained on this date, so its scores look too good." if is_seen else ""


def _observed(facts: Facts, name: str) -> list[Cell]:
    rows = [r for r in facts.tested if r["segment"] == name]
    customers, churned = say.total(rows, "customers"), say.total(rows, "churned")
    if not customers:
        return []
    scored = say.total(rows, "scored_stayed") + say.total(rows, "scored_left")
    predicted = say.total(rows, "p_stayed") + say.total(rows, "p_left")
    part = share(churned, customers)
    return [
        name,
        whole(customers),
        whole(churned),
        percent(part),
        meter(part),
        percent(share(predicted, scored)),
    ]


def about(facts: Facts) -> list[str]:
    """The run, the tables with their versions, what came in, what was refused."""
    champion = facts.model
    model = f"{champion.name}, version {champion.version}" if champion else "no champion"
    run: list[list[Cell]] = [
        ["as_of", str(facts.as_of)],
        ["Churn", f"{facts.definition} within {facts.horizon_days} days, lead {facts.lead_days}"],
        ["Champion", model],
        ["Scores", say.origin(facts)],
        ["Code", facts.code],
        ["Lake", facts.root],
    ]
    tables: list[list[Cell]] = [
        [
            t["table"],
            whole(t["rows"]),
            str(facts.as_of) if t["is_of_as_of"] else "all",
            "-" if t["version"] is None else str(t["version"]),
        ]
        for t in facts.tables
    ]
    parts = [table(["This run", ""], run, texts=2)]
    if facts.sources:
        counts = ("files", "rows_in", "rows_kept", "rows_quarantined", "rows_duplicate")
        heads = ["Source", "Files", "Rows in", "Kept", "Quarantined", "Duplicates"]
        rows: list[list[Cell]] = [
            [r["source"], *(whole(r[c]) for c in counts)] for r in facts.sources
        ]
        parts.append(table(heads, rows, caption="Data taken in", style="wide"))
    if facts.quarantined:
        waiting: list[list[Cell]] = [
            [r["source"], r["reasons"], whole(r["rows"])] for r in facts.quarantined
        ]
        parts.append(table(["Source", "Reasons", "Rows"], waiting, 2, caption="In quarantine"))
        if len(waiting) == MOST_QUARANTINE_REASONS:
            parts.append(note(f"The {MOST_QUARANTINE_REASONS} most frequent reasons."))
    if tables:
        heads = ["Table", "Rows", "as_of", "Delta version"]
        parts.append(table(heads, tables, caption="Tables"))
    return parts
