"""Rules of triggers: which may go without an offer, and whether those that ship can ever fit."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from runtime import settings
from runtime.settings.offers import load_offers
from runtime.settings.triggers import TriggerRule

RULE = {"name": "ask", "to": ["MEDIUM"], "when": None, "offer_id": None}
DAYS = {"period_days": 90, "valid_days": 7}


@pytest.mark.parametrize(
    ("action", "channel", "is_good"),
    [
        ("support", "file", True),
        ("survey", "webhook", True),
        ("survey", "email", False),  # without an offer there are no words for a mail
        ("offer", "file", False),
        ("loyalty", "file", False),
    ],
)
def test_only_what_others_handle_goes_without_an_offer(action, channel, is_good):
    rule = {**RULE, **DAYS, "action": action, "channel": channel}
    if is_good:
        assert TriggerRule.model_validate(rule).offer_id is None
        return
    with pytest.raises(ValidationError) as refused:
        TriggerRule.model_validate(rule)
    assert refused.value.errors()[0]["msg"] == (
        "Value error, offer_id must name an offer, whose text is sent; only action support or "
        "survey by file or webhook needs none"
    )


def test_every_rule_that_ships_offers_what_a_scored_customer_may_get():
    """Who has a risk level can still be kept; outside the budget is only what asks the lost."""
    offers = load_offers()
    named = {r.name: r.offer_id for r in settings.load("demo").triggers.rules if r.offer_id}
    assert named and all(offers[offer].in_budget for offer in named.values()), named
