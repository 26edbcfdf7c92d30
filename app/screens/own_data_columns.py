"""The columns of an upload: what was guessed, what a person corrects, and the check of a sample."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.changes import recorded
from app.identity import User
from app.text import heading, literal, say, table
from app.uploads import steps
from app.uploads.folder import Upload
from app.uploads.steps import LOAD, LOOK
from runtime.settings import Settings

# Role -> its name on the screen, and what it is.
ROLES = {
    "customer_id": ("Customer", "A number or e-mail address, the same in all orders of a customer"),
    "order_id": ("Order", "The number of the order or receipt"),
    "purchased_at": ("Day of purchase", "A day, with or without a time"),
    "amount": ("Amount paid", "For the line; the price times the units if there is none"),
    "product_id": ("Article", "Optional"),
    "quantity": ("Units", "Optional"),
    "price": ("Price of a unit", "Optional"),
    "discount": ("Discount", "Optional"),
}
NEEDED = ("customer_id", "order_id", "purchased_at")
NONE = "(none)"
COMMON = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "JPY", "CAD", "AUD")


def show_columns(settings: Settings, user: User, upload: Upload) -> None:
    """The guess with a choice for each role, and the button that goes on."""
    guess = upload.guess
    before = upload.read("choice.json")
    chosen = chosen_columns(guess)
    heading("Currency of the amounts")
    given = guess["currency"]
    known = [*dict.fromkeys([*([given] if given else []), *COMMON])]
    currency = st.selectbox(
        "ISO code",
        known,
        index=0 if given else None,
        accept_new_options=True,
        placeholder="Choose or type, such as EUR",
        width=260,
    )
    show_doubts(guess)
    changed = {role: name for role, name in chosen.items() if name != guess["roles"].get(role)}
    is_new_currency = bool(currency) and currency != given
    missing = [ROLES[r][0] for r in NEEDED if not chosen.get(r)]
    if not chosen.get("amount") and not chosen.get("price"):
        missing.append(ROLES["amount"][0])
    twice = sorted({n for n in chosen.values() if n and [*chosen.values()].count(n) > 1})
    if missing:
        st.warning(f"Choose a column for: {', '.join(missing)}.")
    elif twice:
        st.warning(literal(f"A column can have one meaning only: {', '.join(twice)}."))
    elif changed or is_new_currency:
        st.info("You changed something. Check the sample again before all rows are loaded.")
        if st.button("Check with these columns", type="primary"):
            columns = before.get("columns", {}) | changed
            upload.write("choice.json", {"columns": columns, "currency": currency})
            steps.start(upload, LOOK, settings)
            st.rerun()
    elif steps.state_of(upload).name == steps.DONE:  # type: ignore[union-attr]
        show_check(upload)
        if st.button("The columns are right: load all rows", type="primary"):
            with recorded(settings.root, user, LOAD, subject=upload.id):
                steps.start(upload, LOAD, settings)
            st.rerun()


def chosen_columns(guess: dict[str, Any]) -> dict[str, str | None]:
    """A select box per role, with the guessed column chosen. Role -> column, or None."""
    samples = samples_of(guess)
    names = [NONE, *guess["headers"]]
    chosen: dict[str, str | None] = {}
    for start in range(0, len(ROLES), 4):
        roles = [*ROLES][start : start + 4]
        for place, role in zip(st.columns(4), roles, strict=True):
            label, told = ROLES[role]
            guessed = guess["roles"].get(role)
            with place:
                name = st.selectbox(
                    label,
                    names,
                    index=names.index(guessed) if guessed in names else 0,
                    format_func=lambda n: guess["headers"].get(n, n),
                    help=told,
                    key=f"role {role} {guessed}",
                )
                chosen[role] = None if name == NONE else name
                st.caption(literal(" | ".join(samples.get(name, ())) or told))
    return chosen


def samples_of(guess: dict[str, Any]) -> dict[str, list[str]]:
    """The sample values of each column; personal ones are masked."""
    samples = dict(guess["unused"])
    for column in guess["mapping"].values():
        samples.setdefault(column["source"].split(", ")[0], column["samples"])
    return samples


def show_doubts(guess: dict[str, Any]) -> None:
    """What the guess is not sure of, and which rows are left out."""
    doubts = [
        *guess["doubts"],
        *(
            f"{ROLES.get(role, (role,))[0]}: {doubt}"
            for role, column in guess["mapping"].items()
            for doubt in column["doubts"]
        ),
    ]
    if doubts:
        heading("What to look at")
        for doubt in doubts:
            st.markdown(f"- {literal(doubt)}")
    told = [
        {
            "Left out": out["reason"],
            "Rows of the sample": f"{out['rows']:,}",
            "Such as": out["example"],
        }
        for out in guess["left_out"]
    ]
    if told:
        heading("Rows that are no purchases of a known customer")
        table(told)
    for note in guess["notes"]:
        say(note)


def show_check(upload: Upload) -> None:
    """What the check of the sample printed."""
    lines = [
        line
        for line in steps.log_of(upload, LOOK)
        if not line.startswith(("kind: ", "Wrote ", "The check passed", "Read "))
    ]
    start = next((i for i, line in enumerate(lines) if " rows in = " in line), None)
    if start is None:
        return
    with st.expander("What happens to the rows of the sample", expanded=True):
        st.code("\n".join(lines[start:]), language=None)
