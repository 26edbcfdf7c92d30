"""The end of a run: print the first customers and write the report into the lakehouse folder."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines.reporting import contact_texts, texts
from pipelines.reporting.contact_file import write_contacts
from pipelines.reporting.contact_list import whole_list
from pipelines.reporting.contact_sections import CONTACTS_FILE
from pipelines.reporting.queries import gather
from pipelines.reporting.report_data import ReportData
from pipelines.reporting.report_page import PAGES, pages
from runtime.formats import plain

if TYPE_CHECKING:
    from runtime.context import Context

MOST_ON_SCREEN = 5


def write_report(context: Context) -> ReportData:
    """Print the first customers and write both pages and the whole list into <lakehouse root>.

    The same data gives the same bytes.
    """
    data, folder = gather(context), context.settings.root
    # The list first: the page links to it.
    changes = [write_contacts(folder / CONTACTS_FILE, data, whole_list(context))]
    changes += [
        (folder / name).update(io.BytesIO(text.encode("utf-8")))
        for name, text in pages(data).items()
    ]
    for line in summary(data):
        context.progress.say(line)
    verb = "wrote" if any(changes) else "unchanged"
    context.progress.say(f"      {verb:<11} {', '.join([*PAGES, CONTACTS_FILE])}")
    return data


def summary(data: ReportData) -> Iterator[str]:
    """The customers that are known, and the first ones to contact, what to do, and why.

    What else a run found is on the pages.
    """
    yield f"      {texts.at_a_glance(data)}"
    yield f"      {contact_texts.first_customers(data)}"
    for place, customer in enumerate(data.customers[:MOST_ON_SCREEN], 1):
        parts = (
            str(customer["risk_level"]),
            customer["segment"],
            f"churn probability {data.form.percent(customer['churn_probability'], 0)}",
            contact_texts.risk_of(data, customer),
        )
        told = ", ".join(filter(None, parts))
        yield f"{place}. customer {plain(customer['customer_id'])}: {told}"
        reasons = "; ".join(contact_texts.reasons(data, customer)) or "no factor known"
        yield f"   do:   {contact_texts.advice(data, customer)}"
        yield f"   why:  {plain(reasons)}"
