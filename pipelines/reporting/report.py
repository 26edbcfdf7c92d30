"""The end of a run: print a summary and write the report into the lakehouse folder."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from pipelines.reporting import campaign_texts, contact_texts, model_texts, plan_texts, texts
from pipelines.reporting.contact_file import write_contacts
from pipelines.reporting.contact_list import whole_list
from pipelines.reporting.contact_sections import CONTACTS_FILE
from pipelines.reporting.formats import plain, share
from pipelines.reporting.queries import gather
from pipelines.reporting.report_data import ModelData, ReportData
from pipelines.reporting.report_page import REPORT_FILE, pages

if TYPE_CHECKING:
    from runtime.context import Context
    from runtime.files import Location

MOST_ON_SCREEN = 5
MOST_CAMPAIGNS = 12
# Standard output that is not a terminal is a log: wide enough to show all numbers in full.
LOG_COLUMNS = 120


def write_report(context: Context) -> Location:
    """Print the summary and write both pages and the whole list into <lakehouse root>.

    The same data gives the same bytes.
    """
    data = gather(context)
    folder = context.settings.root
    # The list first: the page links to it.
    changes = [write_contacts(folder / CONTACTS_FILE, data, whole_list(context))]
    changes += [
        (folder / name).update(io.BytesIO(text.encode("utf-8")))
        for name, text in pages(data).items()
    ]
    path = folder / REPORT_FILE
    if not context.progress.is_quiet:
        summary(data, console())
        context.progress.say(f"Report: {shown(path)}{'' if any(changes) else ' (unchanged)'}")
    return path


def shown(path: Location) -> str:
    """The path, relative to the working folder if it is inside of it."""
    return str(path).removeprefix(f"{os.getcwd()}/")


def next_step(root: Location, *, is_dry: bool) -> str:
    """The last line of a run: what to do now."""
    if is_dry:
        return "Next: run the same command without --dry-run."
    verb = "download" if root.is_remote else "open"
    return (
        f"Next: {verb} {shown(root / REPORT_FILE)}{' and open it' if root.is_remote else ''} "
        "in a browser. It begins with the customers to "
        f"contact; the whole list is {shown(root / CONTACTS_FILE)}."
    )


def console() -> Console:
    """Formatted output for a terminal, plain aligned text for a log."""
    is_terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=None if is_terminal else LOG_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def summary(data: ReportData, out: Console) -> None:
    """Print tables, model quality, segments and the first customers to contact."""
    heading(out, f"Holdfast, {data.env}, as of {data.as_of}")
    out.print(texts.at_a_glance(data), soft_wrap=True)
    heading(out, f"Tables in {data.root}")
    out.print(tables(data, out))
    heading(out, "How good the churn model is")
    out.print(model_texts.quality(data), soft_wrap=True)
    if data.model and data.model.figures:
        out.print(model_table(data, data.model, out))
    heading(out, f"Segments on {data.as_of}")
    out.print(segment_table(data, out))
    if data.campaigns:
        heading(out, "Did the campaigns work?")
        out.print(campaign_texts.campaigns(data), soft_wrap=True)
        out.print(campaign_table(data, out))
    if data.strategies:
        heading(out, "What each strategy keeps")
        out.print(plan_texts.strategies(data), soft_wrap=True)
        out.print(strategy_table(data, out))
    heading(out, "Customers to contact first")
    out.print(contact_texts.first_customers(data), soft_wrap=True)
    first_customers(data, out)


def heading(out: Console, title: str) -> None:
    """Print a title with an empty line above."""
    out.print(f"\n{title}", style="bold")


def grid(out: Console, heads: tuple[str, ...], text_columns: int = 1) -> Table:
    """A table with lines on a terminal and without in a log. Numbers are right-aligned."""
    lines = box.SIMPLE_HEAD if out.is_terminal else None
    table = Table(box=lines, pad_edge=False, padding=(0, 1))
    for place, head in enumerate(heads):
        is_text = place < text_columns
        table.add_column(head, justify="left" if is_text else "right", no_wrap=not is_text)
    return table


def tables(data: ReportData, out: Console) -> Table:
    """The tables of the lakehouse with their row counts."""
    table = grid(out, ("table", "rows", "date"))
    for row in data.tables:
        name = row["table"].replace(".", "/", 1)
        table.add_row(
            name, data.form.whole(row["rows"]), str(data.as_of) if row["is_for_as_of"] else "all"
        )
    return table


def model_table(data: ReportData, champion: ModelData, out: Console) -> Table:
    """Test metrics of the champion and the baselines."""
    heads = (
        "test, 95 % interval",
        "ROC AUC, all",
        "ROC AUC, active_90d",
        "Brier",
        "average precision",
    )
    columns = (
        ("all", "roc_auc"),
        ("active_90d", "roc_auc"),
        ("all", "brier"),
        ("all", "average_precision"),
    )
    table = grid(out, heads)
    for name in (champion.name, *(b for b in model_texts.BASELINES if b != champion.name)):
        figures = [
            model_texts.figure(champion, name, population, metric=metric)
            for population, metric in columns
        ]
        if any(figures):
            shown_as = f"{name} v{champion.version}" if name == champion.name else name
            cells = [model_texts.with_interval(data.form, row) for row in figures]
            table.add_row(shown_as, *cells)
    return table


def segment_table(data: ReportData, out: Console) -> Table:
    """All segments of conf, including those without customers."""
    name = contact_texts.at_risk_name(data)
    heads = ("segment", "group", "customers", "share", "average churn", *([name] if name else []))
    table = grid(out, heads, text_columns=2)
    for row in data.segments:
        at_risk = contact_texts.amount(data, row["at_risk"]) if row["scored"] else "-"
        table.add_row(
            row["segment"],
            row["segment_group"],
            data.form.whole(row["customers"]),
            data.form.percent(share(row["customers"], data.known)),
            data.form.percent(share(row["probability"], row["scored"])),
            *([at_risk] if name else []),
        )
    return table


def campaign_table(data: ReportData, out: Console) -> Table:
    """The newest campaigns with effect, interval and p-value."""
    names = ("campaign", "offer", "measure", "effect", "interval", "p_value", "sample_ratio")
    heads = (*names[:4], "95 % interval", "p", "p of sample ratio")
    table = grid(out, heads, text_columns=3)
    for row in campaign_texts.newest_first(data)[:MOST_CAMPAIGNS]:
        cells = campaign_texts.result_cells(data.form, row)
        table.add_row(*[plain(cells[name]) for name in names])
    return table


def strategy_table(data: ReportData, out: Console) -> Table:
    """The strategies of the plan: customers chosen, value kept gross and net, cost."""
    heads = ("strategy", "chosen", "kept, gross", "cost", "kept, net", "95 % interval")
    table = grid(out, heads)
    for row in data.strategies:
        table.add_row(*plan_texts.strategy_cells(data, row))
    return table


def first_customers(data: ReportData, out: Console) -> None:
    """Print the first customers to contact, what to do, and why they are at risk."""
    for place, customer in enumerate(data.customers[:MOST_ON_SCREEN], 1):
        parts = (
            str(customer["risk_level"]),
            customer["segment"],
            f"churn probability {data.form.percent(customer['churn_probability'], 0)}",
            contact_texts.risk_of(data, customer),
        )
        out.print(
            f"{place}. customer {plain(customer['customer_id'])}: {', '.join(filter(None, parts))}",
            soft_wrap=True,
        )
        reasons = "; ".join(contact_texts.reasons(data, customer)) or "no factor known"
        out.print(f"   do:   {contact_texts.advice(data, customer)}", soft_wrap=True)
        out.print(f"   why:  {plain(reasons)}", soft_wrap=True)
