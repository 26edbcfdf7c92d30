"""Segments: which lose most, who moved where, and what RFM misses."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from app import charts
from app.data import segments
from app.lake import Row
from app.session import Session
from app.text import heading, literal, say, table, title

MOST_MOVES = 12


def show(session: Session) -> None:
    """Draw the page."""
    rows = segments.figures(session.list)
    if not rows:
        title("There are no segments of this date")
        say("Run build_features, or choose another date on the left.")
        return
    form, first = session.form, rows[0]
    total = sum(row["at_risk"] or 0 for row in rows)
    title(
        f"The segment {first['segment']} has {session.stake(first['at_risk'])} at risk, "
        f"{form.percent((first['at_risk'] or 0) / total if total else None, 0)} of all",
        f"{form.date(session.as_of)}. Revenue: of the last {session.settings.rfm.window_days} "
        f"days. Churn probability: mean, within {session.horizon} days; lost customers have none.",
    )
    table([line(session, row) for row in rows])
    show_moves(session)
    show_scores(session)
    show_missed(session)


def line(session: Session, row: Row) -> Row:
    """One segment as a line."""
    form = session.form
    return {
        "Segment": row["segment"],
        "Group": row["segment_group"],
        "Customers": form.whole(row["customers"]),
        "Revenue": form.cash(row["revenue"]),
        "Churn probability": form.percent(row["risk"]),
        "At risk": session.stake(row["at_risk"]),
    }


def show_moves(session: Session) -> None:
    """Who moved from which segment to which, as lines from left to right."""
    moves = segments.moves(session.list)
    rows = [r for r in moves if r["from_segment"] != r["to_segment"]]
    if not rows:
        return
    form, previous = session.form, moves[0]["previous_as_of"]
    moved = sum(r["customers"] for r in rows)
    heading(f"{form.count(moved, 'customer')} changed segment since {form.date(previous)}")
    shown = rows[:MOST_MOVES]
    frame = pd.DataFrame(shown)
    names = sorted({*frame["from_segment"], *frame["to_segment"]})
    row_of = {name: place for place, name in enumerate(names)}
    frame["start"], frame["end"] = (
        frame["from_segment"].map(row_of),
        frame["to_segment"].map(row_of),
    )
    frame["left"], frame["right"] = 0, 1
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False)
    ends = pd.DataFrame({"name": names, "row": range(len(names))})
    height = alt.Scale(domain=[-0.6, len(names) - 0.4], reverse=True)
    flows = (
        alt.Chart(frame)
        .mark_rule(color=charts.BLUE, opacity=0.7)
        .encode(
            x=alt.X("left:Q", axis=axis, title=None, scale=alt.Scale(domain=[-0.75, 1.75])),
            x2="right",
            y=alt.Y("start:Q", axis=axis, title=None, scale=height),
            y2="end",
            size=alt.Size("customers:Q", legend=None, scale=alt.Scale(range=[1, 14])),
            tooltip=["from_segment", "to_segment", "customers"],
        )
    )
    labels = [
        alt.Chart(ends.assign(x=place))
        .mark_text(align="right" if place == 0 else "left", dx=shift, color=charts.GREY)
        .encode(x="x:Q", y=alt.Y("row:Q", scale=height), text="name")
        for place, shift in ((0, -8), (1, 8))
    ]
    told = "; ".join(f"{r['from_segment']} to {r['to_segment']}: {r['customers']}" for r in shown)
    charts.show(alt.layer(flows, *labels), told)
    st.caption(
        literal(f"The {len(shown)} largest moves; the wider the line, the more customers. {told}.")
    )


def show_scores(session: Session) -> None:
    """Customers by recency and frequency score."""
    rows = [r for r in segments.scores(session.list) if r["customers"]]
    if not rows:
        return
    heading("Customers by recency and frequency score")
    charts.show(
        charts.heat(
            rows,
            "r_score",
            "f_score",
            value="customers",
            titles=("Recency score, 5: bought last", "Frequency score, 5: most", "Customers"),
        ),
        "; ".join(f"R {r['r_score']}, F {r['f_score']}: {r['customers']}" for r in rows),
    )


def show_missed(session: Session) -> None:
    """What the model knows and RFM does not."""
    misses, form = segments.missed(session.list), session.form
    heading("What RFM misses")
    say(
        f"High-value segments: {form.count(misses['high'], 'customer')}, of which the model "
        f"predicts {form.whole(misses['leaving'])} to leave within {session.horizon} days, with "
        f"{session.stake(misses['at_risk'] or 0)} at risk. RFM alone shows none of them."
    )
    say(
        f"All other segments: {form.count(misses['low'], 'customer')}, of which the model predicts "
        f"{form.whole(misses['staying'])} to stay. A campaign by segment pays for these too."
    )
