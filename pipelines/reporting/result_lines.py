"""The result of a run, as the last lines on the screen."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator

from pipelines.reporting import cause_sections, contact_texts, model_texts, plan_texts
from pipelines.reporting.contact_sections import CONTACTS_FILE
from pipelines.reporting.report_data import ReportData
from pipelines.reporting.report_page import DETAILS_FILE, REPORT_FILE
from runtime.files import Location
from runtime.formats import plain

# Characters of a line. With this width a result has at most MOST_LINES, which a test checks.
COLUMNS, MOST_LINES = 110, 13
DRY_RUN = "Next: run the same command without --dry-run."


def result_lines(data: ReportData, root: Location, took: str) -> list[str]:
    """How many customers to contact, what it brings, how far to trust it, and the next step.

    took: the duration of the run in words.
    """
    lines = [f"Result of {data.env} as of {data.form.date(data.as_of)}, after {took}:"]
    for text in filter(None, _sentences(data)):
        lines += textwrap.wrap(plain(text), COLUMNS, break_long_words=False, break_on_hyphens=False)
    return [*lines, *_files(data, root)]


def _sentences(data: ReportData) -> Iterator[str]:
    """One text per subject; a subject of which nothing is known has none."""
    yield contact_texts.contacts(data)
    if held_back := data.listed_without_consent:
        yield (
            f"{held_back:,} of these {data.listed:,} are held back from delivery, because their "
            "consent is unknown."
        )
    yield plan_texts.tested(data)
    yield cause_sections.trust_sentence(data)
    verdict = data.model and model_texts.verdict_against_rfm(data.model)
    compared = f"Compared with the simple model rfm_logistic: {verdict}" if verdict else ""
    yield f"{compared} {contact_texts.effect_basis(data) if data.customers else ''}".strip()


def _files(data: ReportData, root: Location) -> Iterator[str]:
    """The list, and the next step: the report to open."""
    if data.customers:
        yield f"List: {shown(root / CONTACTS_FILE)}, all customers to contact."
    verb, then = ("download", " and open it") if root.is_remote else ("open", "")
    page = shown(root / REPORT_FILE)
    yield f"Next: {verb} {page}{then} in a browser. Model and data: {DETAILS_FILE}."


def shown(path: Location) -> str:
    """The path, relative to the working folder if it is inside of it."""
    return str(path).removeprefix(f"{os.getcwd()}/")
