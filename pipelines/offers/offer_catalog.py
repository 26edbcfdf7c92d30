"""The offers of conf/offers.yaml as the transforms need them."""

from __future__ import annotations

from runtime.settings.offers import OfferSettings, load_offers
from transforms.offers import Offer


def offers_of_conf() -> list[Offer]:
    """All offers, in the order of the file."""
    return [offer_of(name, settings) for name, settings in load_offers().items()]


def offer_of(name: str, settings: OfferSettings) -> Offer:
    """One offer from its settings."""
    return Offer(
        name=name,
        share=settings.cost.share,
        money=settings.cost.money,
        is_paid_on_redemption=settings.cost.paid == "redeemed",
        again_after_days=settings.again_after_days,
        most_customers=settings.most_customers,
        eligible=settings.eligible,
        is_in_budget=settings.in_budget,
    )
