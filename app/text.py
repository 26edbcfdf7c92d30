"""Text from the data, written so that the browser shows it and never interprets it."""

from __future__ import annotations

import re

import streamlit as st

from runtime.formats import plain


def literal(text: object) -> str:
    """The text with Markdown's signs escaped: "$" would start a formula, "<" a tag.

    >>> literal("$5 *now*")
    '\\\\$5 \\\\*now\\\\*'
    """
    return re.sub(r"([\\\\`*_{}\[\]()#+!|<>$~:])", r"\\\1", plain(text))


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
