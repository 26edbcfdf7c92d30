"""The quality report of an upload, and its results as downloads."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import streamlit as st

from app.data import quality
from app.data.customers import factors
from app.identity import EDITOR, User
from app.lake import Lake, Row
from app.offers import terms
from app.screens.budget import csv_of
from app.session import Session, dates_of
from app.text import heading, say, table
from app.uploads.folder import Upload
from contracts.rules import explanation
from contracts.silver import TRANSACTIONS
from runtime.feature_words import reason
from runtime.formats import LocaleFormat
from runtime.settings import Settings
from runtime.spreadsheet import separator, text_cell

# Customers whose offer and reason stand on the page itself.
FIRST = 10


def show_quality(settings: Settings, upload: Upload) -> None:
    """Rows in and what became of them, the reasons of the rejected, and these rows to download."""
    lake, form = Lake(upload.root), LocaleFormat(settings.report.locale, None)
    rows = quality.counts(lake)
    heading("Quality of the file")
    if not rows.get("rows_in"):
        say("No row has been loaded.")
        return
    cards = st.columns(4)
    for card, (label, name) in zip(
        cards,
        (
            ("Rows in the file", "rows_in"),
            ("Kept", "rows_kept"),
            ("Rejected", "rows_quarantined"),
            ("Left out or duplicate", "others"),
        ),
        strict=True,
    ):
        card.metric(label, form.whole(rows[name]), border=True)
    st.caption(
        f"{form.count(rows['rows_left_out'], 'row')} left out (totals, cancelled orders, guests), "
        f"{form.whole(rows['rows_duplicate'])} exact duplicates."
    )
    for fault in quality.faults(lake):
        st.error(f"The file was not loaded: {fault}.")
    share = rows["rows_quarantined"] / rows["rows_in"]
    most = settings.ingest.max_quarantined_share
    if share > most:
        st.warning(
            f"{form.percent(share)} of the rows were rejected, more than {form.percent(most, 0)}. "
            "Look at the reasons first: often a column was chosen wrongly."
        )
    reasons = quality.reasons(lake)
    if not reasons:
        say("No row was rejected.")
        return
    table(
        [
            {
                "Reason": explanation(row["reason"], TRANSACTIONS.rules),
                "Rule": row["reason"],
                "Rows": form.whole(row["rows"]),
            }
            for row in reasons
        ]
    )
    st.download_button(
        "Download the rejected rows (CSV)",
        data=lambda: rejected_csv(lake, form.locale),
        file_name="rejected-rows.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def rejected_csv(lake: Lake, locale: str) -> bytes:
    """The rejected rows with their reasons as CSV. No cell is a formula."""
    rows = [(reasons, json.loads(row)) for reasons, row in quality.rejected(lake)]
    columns = [*dict.fromkeys(name for _, row in rows for name in row)]
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator(locale), lineterminator="\r\n")
    writer.writerow(["reasons", *(text_cell(name) for name in columns)])
    for reasons, row in rows:
        values = [row.get(name) for name in columns]
        writer.writerow([reasons, *(text_cell(None if v is None else str(v)) for v in values)])
    return file.getvalue().encode("utf-8-sig")


def result_line(session: Session, row: Row) -> Row:
    """One customer: what the offer is expected to keep, what to send, and why they may leave."""
    raised = (r for r in factors(session.list, row["customer_id"]) if r["impact"] > 0)
    why = next((reason(r["feature"], r["value"], session.form) for r in raised), "-")
    return {
        "Customer": row["customer_id"],
        "Keep": session.form.cash(row["value_kept"]),
        "What to send": terms(row["offer_id"]),
        "Send on": session.form.date(row["send_on"]),
        "Why they may leave": why,
    }


def show_results(upload: Upload) -> None:
    """The list to contact, and where the other results are."""
    settings, lake = upload.settings, Lake(upload.root)
    dates = dates_of(lake)
    if not dates:
        say("No customer was scored. The file may hold no customer who bought lately.")
        return
    session = Session(settings, lake, dates[0], User(upload.facts.owner, EDITOR))
    form, totals = session.form, session.list.totals()
    heading(
        f"{form.count(totals['customers'], 'customer')} to contact, "
        f"{session.stake(totals['at_risk'])} at risk"
    )
    say(
        f"Scores of {form.date(dates[0])}, the day after the last complete day of the file. The "
        "list has for each customer the offer, the day, the cost and the reason. The first "
        f"{FIRST} of them:"
    )
    table([result_line(session, row) for row in session.list.customers(FIRST)])
    with st.container(horizontal=True):
        st.download_button(
            "Download the list (CSV)",
            data=lambda: csv_of(session),
            file_name=f"customers-to-contact-{dates[0]}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
        )
        report = upload.root / "report.html"
        if report.is_file():
            st.download_button(
                "Download the report (HTML)",
                data=lambda: Path(report).read_bytes(),
                file_name="report.html",
                mime="text/html",
                icon=":material/description:",
                on_click="ignore",
            )
