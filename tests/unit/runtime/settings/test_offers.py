"""conf/offers.yaml: errors name their line, and the shipped file is valid."""

from __future__ import annotations

import pytest

from runtime.errors import UsageError
from runtime.settings.offers import load_offers, read_offers

GOOD = """\
offers:
  bonus:
    audience: loyal
    cost: {share: 0.03, paid: sent}
    channel: email
    valid_days: 60
    again_after_days: 90
    most_customers: null
    eligible: total_orders > 20 and lifecycle = 'active'
    in_budget: true
    theme: savings
    texts:
      en: {terms: 500 bonus points, sentence: We added 500 bonus points.}
"""


def faults_of(tmp_path, text):
    path = tmp_path / "offers.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_offers(path)
    return str(refused.value)


def test_the_six_shipped_offers_have_the_costs_of_the_product_page():
    offers = load_offers()
    assert {name: (o.cost.share, o.cost.paid) for name, o in offers.items()} == {
        "discount_10": (0.10, "redeemed"),
        "discount_20": (0.20, "redeemed"),
        "feature_unlock": (0.05, "sent"),
        "personal_manager": (0.15, "sent"),
        "loyalty_bonus": (0.03, "sent"),
        "winback_survey": (0.01, "sent"),
    }
    assert [name for name, o in offers.items() if not o.in_budget] == ["winback_survey"]
    # Their sentences say that something was done for the customer.
    booked = [name for name, o in offers.items() if o.needs_fulfilment]
    assert booked == ["feature_unlock", "personal_manager", "loyalty_bonus"]


def test_a_valid_file_is_read(tmp_path):
    path = tmp_path / "offers.yaml"
    path.write_text(GOOD)
    assert read_offers(path)["bonus"].cost.share == 0.03


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "We added 500 bonus points.",
            '"Use them until {lastday}."',
            "conf/offers.yaml, line 13: offers.bonus.texts.en.sentence: must be one line; only a "
            "sentence may hold {last_day}. Got 'Use them until {lastday}.'.",
        ),
        (
            "theme: savings",
            "theme: savings\n    link: http://shop.example/x",
            "conf/offers.yaml, line 12: offers.bonus.link: must be a https: address of at most 200 "
            "characters, or {survey}. Got 'http://shop.example/x'.",
        ),
        (
            "theme: savings",
            "theme: savings\n    code: a b",
            "conf/offers.yaml, line 12: offers.bonus.code: must have 3 to 30 letters, digits or "
            "hyphens. Got 'a b'.",
        ),
        (
            "share: 0.03",
            "share: 1.03",
            "conf/offers.yaml, line 4: offers.bonus.cost.share: Input should be less than or equal "
            "to 1. Got 1.03.",
        ),
        (
            "    valid_days: 60\n",
            "",
            "conf/offers.yaml, line 2: offers.bonus.valid_days is missing. Add it.",
        ),
        (
            "valid_days",
            "valid_dais",
            "conf/offers.yaml, line 2: offers.bonus.valid_days is missing. Add it.\n"
            "conf/offers.yaml, line 6: offers.bonus.valid_dais is not a setting of an offer. Did you "
            "mean offers.bonus.valid_days? Remove it.",
        ),
        (
            "{share: 0.03, paid: sent}",
            "{share: 0.03, money: 2, paid: sent}",
            "conf/offers.yaml, line 4: offers.bonus.cost: must have either share or money, and not "
            "both. Got {'share': 0.03, 'money': 2, 'paid': 'sent'}.",
        ),
        (
            "    theme: savings\n",
            "    theme: savings\n    theme: support\n",
            "conf/offers.yaml, line 12: theme is there twice. Keep one.",
        ),
        (
            "    channel: email",
            "\tchannel: email",
            "conf/offers.yaml, line 5, column 1: is not valid YAML: while scanning for the next "
            "token, found character '\\t' that cannot start any token. Fix it.",
        ),
    ],
)
def test_an_error_names_its_line(tmp_path, old, new, said):
    assert faults_of(tmp_path, GOOD.replace(old, new, 1)) == said


@pytest.mark.parametrize(
    "condition", ["income > 3", "total_orders > 1; drop table x", "sleep(9)", "a`b"]
)
def test_a_condition_with_anything_but_known_columns_is_refused(tmp_path, condition):
    text = GOOD.replace("total_orders > 20 and lifecycle = 'active'", f'"{condition}"')
    said = faults_of(tmp_path, text)
    assert said.startswith("conf/offers.yaml, line 9: offers.bonus.eligible: must compare ")


def test_an_offer_outside_the_budget_has_no_cap(tmp_path):
    text = GOOD.replace("in_budget: true", "in_budget: false")
    path = tmp_path / "outside.yaml"
    path.write_text(text)
    assert read_offers(path)["bonus"].most_customers is None
    assert faults_of(tmp_path, text.replace("most_customers: null", "most_customers: 50")) == (
        "conf/offers.yaml, line 8: offers.bonus.most_customers: must be null for an offer outside "
        "the budget, because all eligible customers get it; restrict eligible, or set in_budget: "
        "true. Got 50."
    )


def test_a_language_without_english_is_refused(tmp_path):
    said = faults_of(tmp_path, GOOD.replace("      en:", "      de:"))
    assert said.startswith("conf/offers.yaml, line 12: offers.bonus.texts: must have en")
