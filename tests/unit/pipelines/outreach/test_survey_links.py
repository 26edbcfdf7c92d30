"""Contacts and messages that ask for answers to a survey have the customer's personal link."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from messages.brief import Terms
from pipelines.outreach import message_writing
from pipelines.outreach.contact import Contact
from pipelines.outreach.message_texts import Texts
from pipelines.outreach.outbox_delivery import contacts_of
from pipelines.outreach.survey_links import SurveyLinks, with_survey_link
from runtime.progress import Progress
from runtime.settings.offers import load_offers
from tests.unit.pipelines.outreach.test_words import SETTINGS, Rows, due
from udfs.survey_tokens import survey_token

DAY = dt.date(2026, 1, 1)
KEY = "0123456789abcdef0123456789abcdef"
SURVEY = SETTINGS.survey.model_copy(
    update={"url": "https://forms.example/s?t={token}", "key_variable": "OUR_KEY"}
)
ASKING = SETTINGS.model_copy(update={"survey": SURVEY})


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv("OUR_KEY", KEY)


def link_of(number):
    """60 days (survey.valid_days) after 1 January 2026: 30 of January, 28 of February, 2 of March."""
    token = survey_token(f"{number:032x}", dt.date(2026, 3, 2), KEY.encode())
    return f"https://forms.example/s?t={token}"


def contacts(*rows, settings=ASKING):
    return list(contacts_of(Rows(rows), load_offers(), settings))


def test_contacts_that_ask_have_a_link_and_others_have_none(key):
    by_file = {"channel": "file"}
    made = contacts(
        due(1, None, action="survey", **by_file),
        due(2, None, action="support", **by_file),
        due(3, "winback_survey", **by_file),
        due(4, "discount_10", **by_file),
        due(5, "discount_10", action="survey", **by_file),
    )
    links = [c.payload().get("survey_link") for c in made]
    assert links == [link_of(1), None, link_of(3), None, link_of(5)]
    assert "survey_link" not in made[1].payload()


def test_an_email_has_the_link_after_the_sentence_of_the_offer(key):
    (contact,) = contacts(due(1, "winback_survey"))
    assert contact.text == (
        "Hello Ada,\n\n"
        "Thank you for being with us. Our team is glad to help you.\n\n"
        "Please tell us in a short survey, until 31 January 2026, what we can do better.\n"
        f"{link_of(1)}\n\n"
        f"If you do not want such messages: https://shop.example/stop?c={1:032x}"
    )


def test_without_url_or_key_no_link_and_no_place_for_it_is_sent(key, monkeypatch):
    without_url = SETTINGS.model_copy(update={"survey": SURVEY.model_copy(update={"url": None})})
    (first,) = contacts(due(1, "winback_survey"), settings=without_url)
    monkeypatch.delenv("OUR_KEY")
    (second,) = contacts(due(1, "winback_survey"))
    for contact in (first, second):
        assert contact.survey_link is None
        assert "forms.example" not in contact.text and "{" not in contact.text


def test_the_message_of_a_campaign_has_the_link_of_its_contact(key):
    parts = message_writing.Parts.of(ASKING, load_offers())
    row = {
        **{"campaign_id": "plan-1", "customer_id": "c1", "contact_id": f"{1:032x}"},
        **{"offer_id": "winback_survey", "theme": "support", "tone": "warm", "language": "en"},
        **{"first_name": "Ada", "send_on": DAY, "present_text_id": None, "present_approved": None},
    }
    message = message_writing.message_of(row, Texts(), parts)
    assert f"what we can do better.\n{link_of(1)}\n" in str(message["text"])
    other = message_writing.message_of({**row, "offer_id": "discount_10"}, Texts(), parts)
    assert "forms.example" not in str(other["text"])


def test_the_terms_of_other_offers_keep_their_own_link():
    own = Terms("ten", "Ten.", link="https://shop.example/ten")
    asking = Terms("survey", "Tell us.", link="{survey}")
    assert with_survey_link(own, None) == own
    assert with_survey_link(asking, None) == Terms("survey", "Tell us.")
    assert with_survey_link(asking, "https://a.example") == Terms(
        "survey", "Tell us.", link="https://a.example"
    )


class Counted:
    """Stands in for the due rows: counts those that meet a condition, which it notes."""

    def __init__(self, number):
        self.number = number

    def where(self, condition):
        self.condition = condition
        return self

    def count(self):
        return self.number


@pytest.mark.parametrize(
    ("url", "number", "said"),
    [
        (
            None,
            2,
            "2 contacts have no link to a survey, because survey.url and OUR_KEY are not set",
        ),
        (SURVEY.url, 1, "1 contact has no link to a survey, because OUR_KEY is not set"),
        (SURVEY.url, 0, ""),
    ],
)
def test_a_run_says_in_one_sentence_that_links_are_missing(capsys, url, number, said):
    links = SurveyLinks.of(SURVEY.model_copy(update={"url": url}), load_offers())
    rows = Counted(number)
    links.tell_of_contacts(Progress(), rows)
    assert capsys.readouterr().out.strip() == (f"outbox      {said}" if said else "")
    assert rows.condition == "action = 'survey' OR offer_id IN ('winback_survey')"


def test_messages_without_links_are_said_by_offer(capsys, key):
    missing = SurveyLinks.of(SURVEY.model_copy(update={"url": None}), load_offers())
    missing.tell_of_offers(Progress(), ["discount_10", "winback_survey", "winback_survey"])
    missing.tell_of_offers(Progress(), ["discount_10"])
    SurveyLinks.of(SURVEY, load_offers()).tell_of_offers(Progress(), ["winback_survey"])
    assert Counter(capsys.readouterr().out.strip().splitlines()) == Counter(
        ["messages of winback_survey have no link to a survey, because survey.url is not set"]
    )


def test_the_key_is_in_no_representation(key):
    assert KEY not in repr(SurveyLinks.of(SURVEY, load_offers()))
    assert KEY not in repr(ASKING) and KEY not in str(ASKING.model_dump())
    assert isinstance(contacts(due(1))[0], Contact)
