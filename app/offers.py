"""The offers of conf, read once per process: reading the file takes 0.1 s."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from runtime.settings.offers import OfferSettings, load_offers


@st.cache_resource(show_spinner=False)
def offers() -> Mapping[str, OfferSettings]:
    """The offers by name."""
    return load_offers()


def caps() -> dict[str, int]:
    """The most customers per plan of the offers in the budget that have a maximum."""
    return {
        name: offer.most_customers
        for name, offer in offers().items()
        if offer.in_budget and offer.most_customers is not None
    }


def terms(offer_id: str | None) -> str:
    """What an offer is, in words; its name if conf no longer has it.

    >>> terms("discount_10"), terms("old_offer"), terms(None)
    ('10% off your next order', 'old_offer', '-')
    """
    if offer_id is None:
        return "-"
    offer = offers().get(offer_id)
    return offer.texts["en"].terms if offer else offer_id
