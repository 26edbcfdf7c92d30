"""The end of a run: the closing summary on the screen, and report.html in the lake's folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from pipelines.reporting import sentences as say
from pipelines.reporting.facts import Facts, ModelFacts, gather
from pipelines.reporting.page import page
from pipelines.reporting.phrases import money, percent, plain, reason, share, whole
from runtime.context import Context

FILE = "report.html"
MOST_ON_SCREEN = 5
# Where standard output is no terminal, it is a log: wide enough that no figure is cut.
LOG_COLUMNS = 120


def write_report(context: Context) -> Path:
    """Print the summary and write <lakehouse root>/report.html; the same input, the same bytes."""
    facts = gather(context)
    path = context.settings.root / FILE
    is_changed = replace_file(path, page(facts))
    if not context.progress.is_quiet:
        summary(facts, console())
        context.progress.say(f"Report: {shown(path)}{'' if is_changed else ' (unchanged)'}")
    return path


def replace_file(path: Path, text: str) -> bool:
    """Put the text there whole or not at all; False: it was there already."""
    content = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(content)
    os.replace(draft, path)
    return True


def shown(path: Path) -> str:
    """Relative to the working folder where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def console() -> Any:
    """rich for a person at a terminal; plain aligned text for a log."""
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=None if is_terminal else LOG_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def summary(facts: Facts, out: Any) -> None:
    """Tables, champion, segments and the first customers to act on."""
    heading(out, f"Holdfast, {facts.env}, as of {facts.as_of}")
    out.print(say.in_short(facts), soft_wrap=True)
    heading(out, f"Tables in {facts.root}")
    out.print(tables(facts, out))
    heading(out, "How good the model is")
    out.print(say.model(facts), soft_wrap=True)
    if facts.model and facts.model.figures:
        out.print(model_table(facts.model, out))
    heading(out, f"Segments of {facts.as_of}")
    out.print(segment_table(facts, out))
    heading(out, "Act on these first")
    out.print(say.whom_first(facts), soft_wrap=True)
    first_customers(facts, out)


def heading(out: Any, text: str) -> None:
    """A title with a line of air above."""
    out.print(f"\n{text}", style="bold")


def grid(out: Any, heads: tuple[str, ...], texts: int = 1) -> Any:
    """A rich table: lines at a terminal, spaces in a log; numbers to the right."""
    from rich import box
    from rich.table import Table

    lines = box.SIMPLE_HEAD if out.is_terminal else None
    table = Table(box=lines, pad_edge=False, padding=(0, 1))
    for place, head in enumerate(heads):
        is_text = place < texts
        table.add_column(head, justify="left" if is_text else "right", no_wrap=not is_text)
    return table


def tables(facts: Facts, out: Any) -> Any:
    """Where the tables are."""
    table = grid(out, ("table", "rows", "of"))
    for row in facts.tables:
        name = row["table"].replace(".", "/", 1)
        table.add_row(name, whole(row["rows"]), str(facts.as_of) if row["is_of_as_of"] else "all")
    return table


def model_table(champion: ModelFacts, out: Any) -> Any:
    """The champion's test figures beside the baselines."""
    heads = (
        "test, 95 % interval",
        "ROC AUC, all",
        "ROC AUC, active_90d",
        "Brier",
        "average precision",
    )
    wanted = (
        ("all", "roc_auc"),
        ("active_90d", "roc_auc"),
        ("all", "brier"),
        ("all", "average_precision"),
    )
    table = grid(out, heads)
    for name in (champion.name, *(b for b in say.BASELINES if b != champion.name)):
        figures = [say.figure(champion, name, *key) for key in wanted]
        if any(figures):
            shown_as = f"{name} v{champion.version}" if name == champion.name else name
            table.add_row(shown_as, *map(say.with_interval, figures))
    return table


def segment_table(facts: Facts, out: Any) -> Any:
    """All segments of conf, those without a customer too."""
    heads = ("segment", "group", "customers", "share", "mean churn", "revenue at risk")
    table = grid(out, heads, texts=2)
    for row in facts.segments:
        table.add_row(
            row["segment"],
            row["segment_group"],
            whole(row["customers"]),
            percent(share(row["customers"], facts.known)),
            percent(share(row["probability"], row["scored"])),
            money(row["revenue_at_risk"]) if row["scored"] else "-",
        )
    return table


def first_customers(facts: Facts, out: Any) -> None:
    """Whom to act on first, why, and what to do."""
    for place, customer in enumerate(facts.customers[:MOST_ON_SCREEN], 1):
        reasons = [reason(f["feature"], f["value"]) for f in customer["factors"]]
        out.print(
            f"{place}. customer {plain(customer['customer_id'])}: {customer['risk_level']}, "
            f"{customer['segment']}, leaves with {percent(customer['churn_probability'], 0)}, "
            f"{money(customer['revenue_at_risk'])} of {money(customer['monetary'])} at risk",
            soft_wrap=True,
        )
        out.print(f"   why: {plain('; '.join(reasons) or 'no factor known')}", soft_wrap=True)
        out.print(f"   do:  {say.advice(customer)}", soft_wrap=True)
