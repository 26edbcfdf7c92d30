"""The whole list of customers to contact as a CSV file, for a spreadsheet."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator

from pipelines.reporting import contact_texts
from pipelines.reporting.report_data import ReportData, Row
from runtime.files import Location
from runtime.formats import LOCALES
from runtime.spreadsheet import separator, text_cell

COLUMNS = (
    "place",
    "customer_id",
    "segment",
    "risk_level",
    "churn_probability",
    "why",
    "what_to_do",
    "when",
    "offer_id",
    "at_risk",
    "at_stake",
    "cost",
    "value_kept",
    "currency",
    "owner",
)


def write_contacts(path: Location, data: ReportData, customers: Iterable[Row]) -> bool:
    """Write the file row by row and atomically. False: the file already has this content.

    Separator and decimal sign are those that a spreadsheet in report.locale expects: in a locale
    with a decimal comma, columns are separated by semicolons. Dates are YYYY-MM-DD. The byte order
    mark makes spreadsheets read UTF-8.
    """
    with tempfile.TemporaryFile() as draft:
        text = io.TextIOWrapper(draft, encoding="utf-8-sig", newline="")
        writer = csv.writer(text, delimiter=separator(data.form.locale), lineterminator="\r\n")
        writer.writerow(COLUMNS)
        writer.writerows(_lines(data, customers))
        text.flush()
        draft.seek(0)
        is_changed = path.update(draft)
        text.detach()
    return is_changed


def _lines(data: ReportData, customers: Iterable[Row]) -> Iterator[list[str]]:
    for place, customer in enumerate(customers, 1):
        texts = {
            "customer_id": customer["customer_id"],
            "segment": customer["segment"],
            "risk_level": customer["risk_level"],
            "why": "; ".join(contact_texts.reasons(data, customer)),
            "what_to_do": contact_texts.what_to_do(data, customer),
            "offer_id": customer["offer_id"],
            "currency": data.report.currency,
            "owner": data.report.owner(customer["segment_group"]),
        }
        values = {
            "place": str(place),
            "churn_probability": number(data, customer["churn_probability"], 4),
            "when": str(customer["send_on"] or ""),
            **{
                name: number(data, customer[name], 2)
                for name in ("at_risk", "at_stake", "cost", "value_kept")
            },
            **{name: text_cell(text) for name, text in texts.items()},
        }
        yield [values[name] for name in COLUMNS]


def number(data: ReportData, value: float | None, digits: int) -> str:
    """A number without thousands signs; empty if it is unknown."""
    return "" if value is None else f"{value:.{digits}f}".replace(".", LOCALES[data.form.locale][1])
