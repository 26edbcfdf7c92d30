"""Which 20 %: what each budget keeps, strategies side by side, and the list to download."""

from __future__ import annotations

import csv
import io

import streamlit as st

from app import charts
from app.budgets import Budget, budget_of, plan
from app.data.plan import Plan, strategies
from app.lake import Row
from app.session import Session
from app.text import heading, literal, say, table, title
from runtime.spreadsheet import separator, text_cell

# The whole list as a file: at most this many customers.
MOST_DOWNLOADED = 1_000_000
POINTS = 40
COLUMNS = (
    "customer_id",
    "segment",
    "risk_level",
    "churn_probability",
    "at_stake",
    "offer_id",
    "send_on",
    "cost",
    "value_kept",
    "why",
)


def show(session: Session) -> None:
    """Draw the page."""
    name = session.settings.plan.default_strategy
    ranked, budget = plan(session, name), budget_of(session)
    if not len(ranked.ids):
        title("No plan has been made for this date")
        say("Run plan_retention, or choose a date with a plan on the left.")
        return
    place = st.container()
    size = chosen_size(session, budget, ranked)
    figures = ranked.figures(size, budget.unit)
    with place:
        show_answer(session, budget, size, figures=figures)
    show_curve(session, ranked, budget)
    show_strategies(session, budget, size)
    show_overlap(session)
    show_download(session)


def chosen_size(session: Session, budget: Budget, ranked: Plan) -> float:
    """The budget that the user sets: a share of the customers, or money."""
    if budget.unit == "money":
        most = max(float(ranked.cost[ranked.cost > 0].sum()), budget.size)
        return float(st.slider("Budget in currency", 0.0, most, budget.size, step=most / 200))
    share = st.slider(
        "Budget, % of the active and silent customers",
        1,
        100,
        round(100 * budget.share_of(budget.size)),
    )
    return float(int(budget.customers * share / 100 + 1e-9))


def show_answer(session: Session, budget: Budget, size: float, *, figures: Row) -> None:
    """The title with the net value kept, its interval, and the price of the next 1 %."""
    form, ranked = session.form, plan(session)
    of = (
        f"{form.cash(size)}"
        if budget.unit == "money"
        else f"{form.percent(budget.share_of(size), 0)} of "
        f"{form.count(budget.customers, 'customer')}"
    )
    title(
        f"{of}: {form.count(figures['customers'], 'customer')}, {form.cash(figures['net'])} net",
        f"{form.date(session.as_of)}. Expected value kept less cost, 95 % interval "
        f"{form.cash(figures['low'])} to {form.cash(figures['high'])}: how well the customers' "
        "12-month values are known. The effect of the offers is taken as given.",
    )
    more = size * 1.01 if budget.unit == "money" else size + max(int(0.01 * budget.customers), 1)
    after = ranked.figures(more, budget.unit)
    cards = st.columns(4)
    cards[0].metric(*session.card("Value kept", figures["kept"]), border=True)
    cards[1].metric(*session.card("Expected cost", figures["cost"]), border=True)
    cards[2].metric(
        *session.card("The next 1 % costs", after["cost"] - figures["cost"]), border=True
    )
    cards[3].metric(
        *session.card("The next 1 % keeps", after["kept"] - figures["kept"]), border=True
    )
    if after["customers"] == figures["customers"]:
        say("A larger budget adds nobody: no other customer can be sent an offer that pays now.")


def show_curve(session: Session, ranked: Plan, budget: Budget) -> None:
    """Net value kept over the size of the budget, with its band."""
    heading("Net value kept by budget")
    top = (
        budget.customers
        if budget.unit == "customers"
        else float(ranked.cost[ranked.cost > 0].sum())
    )
    rows = []
    for step in range(POINTS + 1):
        size = top * step / POINTS
        figures = ranked.figures(size, budget.unit)
        across = 100 * budget.share_of(size) if budget.unit == "customers" else size
        rows.append({"size": across, **{k: figures[k] for k in ("net", "low", "high")}})
    unit = "% of customers" if budget.unit == "customers" else session.form.currency or "currency"
    best = max(rows, key=lambda row: row["net"])
    charts.show(
        charts.band(
            rows,
            "size",
            "net",
            titles=(f"Budget, {unit}", f"Net value kept, {session.form.currency or 'currency'}"),
            formats=(",.0f", ",.0f"),
        ),
        f"Net value kept grows to {session.form.cash(best['net'])} at a budget of "
        f"{best['size']:.0f} {unit}",
    )


def show_strategies(session: Session, budget: Budget, size: float) -> None:
    """The strategies under the same budget: expected, and in the back-test of the plan's budget."""
    form = session.form
    tested = {
        r["strategy"]: r
        for r in strategies(session.lake, session.as_of)
        if r["strategy"] == r["other_strategy"]
    }
    heading("Strategies side by side")
    lines = []
    for name in session.settings.plan.strategies:
        figures, test = plan(session, name).figures(size, budget.unit), tested.get(name, {})
        if not figures["customers"] and not test:
            continue
        lines.append(
            {
                "Strategy": words(name, session),
                "Customers": form.whole(figures["customers"]),
                "Value kept": form.cash(figures["kept"]),
                "Cost": form.cash(figures["cost"]),
                "Net": form.cash(figures["net"]),
                "Net in the back-test": form.cash(test.get("net_value_kept")),
                "95 % interval": interval(session, test),
            }
        )
    table(lines)
    st.caption(
        literal(
            "Back-test: one horizon earlier, under the plan's own budget, credited only with "
            "customers who did leave. Effect of the offers: "
            + next((r["assumption"] for r in tested.values()), "unknown")
            + "."
        )
    )


def words(name: str, session: Session) -> str:
    """A strategy in words, the default marked."""
    text = name.replace("_", " ").replace("p alive", "P(alive)").replace("clv", "CLV")
    return f"{text} (plan)" if name == session.settings.plan.default_strategy else text


def interval(session: Session, test: Row) -> str:
    """The interval of the back-test."""
    if test.get("ci_low") is None:
        return "-"
    return f"{session.form.cash(test['ci_low'])} to {session.form.cash(test['ci_high'])}"


def show_overlap(session: Session) -> None:
    """How many customers two strategies share under the plan's budget."""
    rows = strategies(session.lake, session.as_of)
    if not rows:
        return
    heading("Customers that two strategies share")
    names = sorted({r["strategy"] for r in rows})
    shared = {(r["strategy"], r["other_strategy"]): r["shared"] for r in rows}
    lines = [
        {"Strategy": words(a, session)}
        | {words(b, session): session.form.whole(shared.get((a, b))) for b in names}
        for a in names
    ]
    table(lines)


def show_download(session: Session) -> None:
    """The list that is sent, with reasons, as a file."""
    heading("The list")
    total = session.list.totals()["customers"]
    say(
        f"The plan of {session.form.date(session.as_of)} has "
        f"{session.form.count(total, 'customer')}. The file has their offers, days, costs "
        "and reasons."
    )
    st.download_button(
        "Download the list (CSV)",
        data=lambda: csv_of(session),
        file_name=f"customers-to-contact-{session.as_of}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def csv_of(session: Session) -> bytes:
    """The whole list as CSV, for a spreadsheet of the report's locale."""
    form, file = session.form, io.StringIO()
    writer = csv.writer(file, delimiter=separator(form.locale), lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in session.list.customers(MOST_DOWNLOADED):
        writer.writerow([cell(session, row[name]) for name in COLUMNS])
    return file.getvalue().encode("utf-8-sig")


def cell(session: Session, value: object) -> str:
    """A value as a cell: numbers with the locale's decimal sign, texts never as a formula."""
    if isinstance(value, float):
        return f"{value:.4f}".replace(".", "," if separator(session.form.locale) == ";" else ".")
    return text_cell(None if value is None else str(value))
