"""The offers of conf as decisions take them."""

from __future__ import annotations

from typing import Any

from runtime.settings.offers import load_offers


def offers_of_conf() -> list[Any]:
    """The offers as transforms take them."""
    from transforms.offers import Offer

    return [
        Offer(
            name=name,
            share=o.cost.share,
            money=o.cost.money,
            is_paid_on_redemption=o.cost.paid == "redeemed",
            again_after_days=o.again_after_days,
            most_customers=o.most_customers,
            eligible=o.eligible,
            is_in_budget=o.in_budget,
        )
        for name, o in load_offers().items()
    ]
