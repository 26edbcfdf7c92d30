"""write_messages, deliver_outbox, trigger_engagement: who is written to, and who is not."""

from __future__ import annotations

import datetime as dt
import json
import re

import pandas as pd
import pytest
from deltalake import DeltaTable

from tests.wiring import company_files as files
from tests.wiring.company_files import PLAN_1, PLAN_2
from tests.wiring.small_company import is_approved

pytestmark = pytest.mark.spark_only
COOLING_OFF = 20
LEVELS = ["LOW", "MEDIUM", "HIGH", "CRITICAL"]


def chosen(company):
    """The decisions of the first plan that are sent and not held out."""
    return company.table(
        "gold.offer_decisions",
        f"as_of = DATE '{PLAN_1}' AND offer_id IS NOT NULL AND NOT is_held_out",
    )


def deliveries(company):
    return company.sql(
        "SELECT o.*, d.status, d.reason FROM {gold.outbox} o "
        "LEFT JOIN {gold.outbox_deliveries} d USING (contact_id)"
    )


def heard(company):
    """The contacts that the webhook and the mailbox took."""
    by_webhook = {json.loads(body)["contact_id"] for _, body in company.noted["webhook"]}
    ids = [
        re.search(rb"Message-ID: <(.+)@", mail)[1].decode() for _, mail in company.noted["mails"]
    ]
    return by_webhook | set(ids)


def test_customers_who_opted_out_after_the_decision_get_no_message(company):
    sent = set(chosen(company)["customer_id"])
    unknown = files.CONSENT_UNKNOWN | files.WITHOUT_PROFILE
    assert sent & files.OPTED_OUT_AFTER_DECISION and sent & unknown
    written = set(company.noted["messages"]["customer_id"])
    # Customers of unknown consent stay in the plan, and get no message.
    assert written == sent - files.OPTED_OUT_AFTER_DECISION - unknown


def test_a_template_is_approved_by_conf_until_a_person_holds_it_back(company):
    then, now = company.noted["messages"], company.table("gold.messages")
    assert then["approved"].all() and set(then["written_by"]) == {"template"}
    approved = set(now.loc[now["approved"], "customer_id"])
    assert approved == {c for c in then["customer_id"] if is_approved(c)} != set(now["customer_id"])


def test_only_approved_messages_are_queued_and_sent(company):
    rows = deliveries(company)
    queued = rows[rows["campaign_id"] == f"plan-{PLAN_1}"]
    now = company.table("gold.messages", "approved")
    assert len(queued) and set(queued["customer_id"]) <= set(now["customer_id"])
    due = chosen(company)
    due = due[due["send_on"].dt.date <= PLAN_1 + dt.timedelta(days=2)]
    assert set(queued["customer_id"]) == set(due["customer_id"]) & set(now["customer_id"])
    sent = {p.stem for p in (company.root / "outbox").iterdir()} | heard(company)
    assert sent == set(rows.loc[rows["status"] == "sent", "contact_id"])
    texts = {json.loads(p.read_text()).get("text") for p in (company.root / "outbox").iterdir()}
    assert set(now.loc[now["customer_id"].isin(queued["customer_id"]), "text"]) & texts


def test_customers_who_opted_out_after_the_approval_are_sent_nothing(company):
    rows = deliveries(company)
    gone = rows[rows["customer_id"].isin(files.OPTED_OUT_IN_AUGUST)]
    gone = gone[(gone["campaign_id"] == f"plan-{PLAN_1}") & ~gone["is_held_out"]]
    assert len(gone) >= 1
    assert {*gone["status"], *gone["reason"]} == {"cancelled", "opted_out"}
    other = rows[rows["status"] == "sent"]
    assert not set(other["customer_id"]) & files.OPTED_OUT_IN_AUGUST


def test_messages_of_an_offer_wait_for_its_booking(company):
    """The booking of an earlier campaign does not count. Without one the offer's last day passes."""
    rows = deliveries(company)
    offered = rows[(rows["campaign_id"] == f"plan-{PLAN_1}") & (rows["offer_id"] == "discount_20")]
    offered = offered[~offered["customer_id"].isin(files.OPTED_OUT_IN_AUGUST)]
    is_waiting = offered["customer_id"].isin(files.NOT_BOOKED)
    assert is_waiting.any() and set(offered.loc[is_waiting, "reason"]) == {"expired"}
    assert set(offered.loc[~is_waiting, "status"]) == {"sent"}
    # The first delivery held them back.
    folder = str(company.root / "gold" / "outbox_deliveries")
    versions = [DeltaTable(folder, version=v) for v in range(1, DeltaTable(folder).version() + 1)]
    then = pd.concat([version.to_pandas() for version in versions])
    held_back = then[then["status"] == "held_back"]
    assert set(held_back["contact_id"]) == set(offered.loc[is_waiting, "contact_id"])
    assert set(held_back["reason"]) == {"not_fulfilled"}


def test_a_risk_rise_triggers_no_contact_after_an_opt_out_or_in_a_cooling_off_period(company):
    """Risen on 30 July, since 30 June: who got the newsletter ten days before is left alone."""
    levels = company.sql(
        "SELECT n.customer_id, b.risk_level AS before, n.risk_level AS now "
        "FROM {gold.customer_scores} n JOIN {gold.customer_scores} b USING (customer_id) "
        f"WHERE n.as_of = DATE '{PLAN_1}' AND b.as_of = DATE '{files.CAMPAIGN_3}'"
    )
    height = {name: n for n, name in enumerate(LEVELS)}
    rose = levels[levels["now"].map(height) > levels["before"].map(height)]
    risen = set(rose["customer_id"])
    assert risen & files.NEWSLETTER and risen & (files.OPTED_OUT | files.OPTED_OUT_BY_SECOND_FILE)
    contacts = company.table(
        "gold.outbox", f"triggered_on = DATE '{PLAN_1}' AND campaign_id IS NULL"
    )
    reached = set(contacts["customer_id"])
    assert reached and reached <= risen
    barred = files.NEWSLETTER | files.OPTED_OUT | files.OPTED_OUT_BY_SECOND_FILE
    barred |= files.CONSENT_UNKNOWN | files.WITHOUT_PROFILE
    assert not reached & barred
    assert contacts["customer_id"].is_unique


def test_contacts_of_a_customer_are_at_least_one_cooling_off_period_apart(company):
    rows = deliveries(company)
    rows = rows[rows["status"].eq("sent") | rows["is_held_out"]]
    for _, own in rows.groupby("customer_id"):
        gaps = own["triggered_on"].sort_values().diff().dropna()
        assert (gaps.dt.days >= COOLING_OFF).all()
    assert {PLAN_1, PLAN_2} <= set(rows["triggered_on"].dt.date)
