"""Text from the data, written so that the browser shows it and never interprets it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.lake import Row
from runtime.formats import plain


def literal(text: object) -> str:
    """The text with Markdown's signs escaped: "$" would start a formula, "<" a tag, "- " a list.

    >>> print(literal("$5 *now*"), literal("-"), literal("1. May"), literal("-5"))
    \\$5 \\*now\\* \\- 1\\. May \\-5
    """
    escaped = re.sub(r"([\\`*_{}\[\]()#!|<>$~:])", r"\\\1", plain(text))
    return re.sub(r"^(\d*)([-+.])", r"\1\\\2", escaped)


def say(text: object) -> None:
    """One paragraph of literal text."""
    st.markdown(literal(text))


def title(text: str, below: str = "") -> None:
    """The answer of a page as its heading, and one sentence about it."""
    st.title(literal(text), anchor=False)
    if below:
        st.caption(literal(below))


def heading(text: str) -> None:
    """The heading of a part of a page."""
    st.subheader(literal(text), anchor=False)


def table(rows: Sequence[Row]) -> None:
    """A table of texts, at most some dozens of rows; the first column names the row."""
    frame = pd.DataFrame([{k: literal(v) for k, v in row.items()} for row in rows])
    st.table(frame.set_index(frame.columns[0]))
