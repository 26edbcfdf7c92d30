"""A survey from the link in a contact to the answers in gold.satisfaction."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from tests.wiring import company_files as files
from tests.wiring.company_files import PLAN_1, PLAN_2
from tests.wiring.secret_values import VARIABLES
from tests.wiring.small_company import survey_tokens

pytestmark = pytest.mark.spark_only


def asked(company):
    """The customers that a rule asked on 30 July."""
    when = f"action = 'survey' AND triggered_on = DATE '{PLAN_1}'"
    return set(company.table("gold.outbox", when)["customer_id"])


def satisfaction(company, day):
    rows = company.table("gold.satisfaction", f"as_of = DATE '{day}'").set_index("customer_id")
    assert rows.index.is_unique
    return rows


def test_a_contact_that_asks_is_sent_with_its_link(company):
    sent = [json.loads(p.read_text()) for p in (company.root / "outbox").iterdir()]
    sent += [json.loads(body) for _, body in company.noted["webhook"]]
    tokens = {token.partition(".")[0]: token for token in survey_tokens(company)}
    links = {c["contact_id"]: c["survey_link"] for c in sent if c["action"] == "survey"}
    in_july = {contact: link for contact, link in links.items() if contact in tokens}
    assert in_july == {c: f"https://forms.example/s?t={tokens[c]}" for c in in_july} != {}
    # The offer winback_survey asks too.
    others = [c for c in sent if c["action"] != "survey" and c["offer_id"] != "winback_survey"]
    assert others and not any("survey_link" in c for c in others)


def test_a_bad_answer_is_quarantined_with_the_reason(company):
    rows = company.table("silver.quarantine", "source = 'answers'")
    assert sorted(rows["reasons"]) == ["score_in_range", "token_expired", "token_forged"]
    kept = company.table("silver.survey_answers")
    good = len(files.ANSWERED_IN_JULY) + len(asked(company)) + 2 * len(files.ANSWERED_IN_AUGUST)
    assert len(kept) == good


def test_answers_known_by_as_of_are_the_satisfaction(company):
    """Each as_of has the answers of the month before; those known in October change neither."""
    first, second = satisfaction(company, PLAN_1), satisfaction(company, PLAN_2)
    in_july = first.loc[files.ANSWERED_IN_JULY]
    assert set(in_july["satisfaction_score"]) == {8.0}
    assert set(in_july["satisfaction_basis"]) == {"survey"}
    others = first.drop(files.ANSWERED_IN_JULY)
    assert not others["satisfaction_basis"].eq("survey").any()
    by_token = second.loc[sorted(asked(company) - {*files.ANSWERED_IN_AUGUST})]
    assert len(by_token) and set(by_token["satisfaction_score"]) == {2.0}
    assert set(by_token["answered_on"].dt.date) == {dt.date(2024, 8, 5)}
    assert set(second.loc[files.ANSWERED_IN_AUGUST, "satisfaction_score"]) == {9.0}


def test_every_known_customer_has_a_row_and_no_score_is_a_guess(company):
    rows, segments = (
        satisfaction(company, PLAN_2),
        company.table("gold.customer_segments", f"as_of = DATE '{PLAN_2}'"),
    )
    assert dict(zip(segments["customer_id"], segments["segment"], strict=True)) == dict(
        rows["segment"]
    )
    assert {"survey", "sentiment", "unknown"} == set(rows["satisfaction_basis"])
    assert (rows["satisfaction_score"].isna() == rows["satisfaction_basis"].eq("unknown")).all()


def test_the_key_stands_in_no_file(company):
    holding = [
        path
        for path in company.folder.rglob("*")
        if path.is_file() and VARIABLES["HOLDFAST_SURVEY_KEY"].encode() in path.read_bytes()
    ]
    assert holding == []
