"""Texts of the offers of conf, as the package messages uses them."""

from __future__ import annotations

from messages.brief import Terms
from runtime.settings.offers import OfferSettings


def terms_by_language(offer: OfferSettings) -> dict[str, Terms]:
    """The terms of an offer, by language. English is always present."""
    return {
        language: Terms(t.terms, t.sentence, offer.code, offer.link)
        for language, t in offer.texts.items()
    }
