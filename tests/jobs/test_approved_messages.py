"""deliver_outbox sends the approved messages, and no others, to real local receivers."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from pipelines.outreach import outbox_delivery
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, MOMENT, rows_of
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
PLAN = AS_OF - dt.timedelta(days=2)
CAMPAIGN = f"plan-{PLAN}"
MAIL = {"host": "127.0.0.1", "security": "none", "unsubscribe": "mailto:stop@mail.example"}
TABLES = ("gold.outbox", "gold.outbox_deliveries")


def messages_of(approved):
    return [
        {
            "customer_id": c,
            "campaign_id": CAMPAIGN,
            "offer_id": "discount_10",
            "text": f"Hello Ada, dear {c}. Enjoy 10% off your next order.",
            "language": "de" if c == "c1" else "en",
            "text_id": f"text-{c}",
            "written_by": "claude",
            "approved": c in approved,
        }
        for c in ("c0", "c1", "c2", "c3", "c4", "c5")
    ]


@pytest.fixture
def lake(make_context, tmp_path):
    """A plan of two days ago for c0 to c5.

    The message of c2 is not approved, c3 opted out after the plan, c4 is in the control group, and
    the message of c5 is due tomorrow.
    """
    root = tmp_path / "lake"

    def at(send_by="file", day=AS_OF, **delivery):
        context = make_context(
            root,
            messages={"send_by": send_by},
            triggers={"delivery": delivery},
            contact={"when_consent_unknown": "do_not_contact"},
        )
        return context.at(day)

    def write(context, name, rows, slices=("x",)):
        table = context.table(name)
        mode = "slice" if table.slice_by else "merge"
        frame = rows_of(context, name, rows)
        context.lake.commit([Write(table, frame, slices, mode, is_checked=False)])

    at.profile = lambda c, is_opted_out: {
        "customer_id": c,
        "first_name": "Ada",
        "email": f"{c}@mail.example",
        "is_opted_out": is_opted_out,
        "valid_from": MOMENT,
    }

    context = at()
    decision = {"as_of": PLAN, "campaign_id": CAMPAIGN, "offer_id": "discount_10"}
    ids = [f"c{n}" for n in range(6)]
    decisions = [
        {
            **decision,
            "customer_id": c,
            "is_held_out": c == "c4",
            "send_on": AS_OF + dt.timedelta(days=1 if c == "c5" else -1),
        }
        for c in ids
    ]
    profiles = [at.profile(c, c == "c3") for c in ids]
    write(context, "gold.offer_decisions", decisions, [PLAN])
    write(context, "silver.customers", profiles)
    write(context, "gold.messages", messages_of({"c0", "c1", "c3", "c4", "c5"}))
    # All texts are approved; a test withdraws one.
    write(context, "gold.text_pool", [{"text_id": f"text-{c}", "approved": True} for c in ids])
    at.write = write
    return at


def versions(context):
    return [context.lake.version(name) for name in TABLES]


def delivered(context):
    rows = context.read("gold.outbox_deliveries").collect()
    return {r["customer_id"]: (r["status"], r["reason"]) for r in rows}


def test_by_email_each_approved_message_is_sent_once_unchanged(lake):
    mailbox = Mailbox()
    to = {"email": {**MAIL, "port": mailbox.port}}
    outbox_delivery.run(lake("email", **to))
    sent = {to: raw.decode() for to, raw in mailbox.taken.values()}
    assert set(sent) == {"c0@mail.example", "c1@mail.example"}
    assert "Hello Ada, dear c0. Enjoy 10% off your next order." in sent["c0@mail.example"]
    assert "Subject: Something for you" in sent["c0@mail.example"]
    assert "Something for you" not in sent["c1@mail.example"]
    assert delivered(lake()) == {
        "c0": ("sent", None),
        "c1": ("sent", None),
        "c3": ("cancelled", "opted_out"),
    }
    before, heard = versions(lake()), len(mailbox.heard)
    outbox_delivery.run(lake("email", **to))
    assert (versions(lake()), len(mailbox.heard)) == (before, heard)

    # Now c2 is approved and the text of c0 has changed. c0 got a message and gets no second one.
    changed = {m["customer_id"]: m for m in messages_of({"c0", "c2"})}
    changed["c0"]["text"] = "Hello again."
    lake.write(lake(), "gold.messages", list(changed.values()))
    outbox_delivery.run(lake("email", **to))
    mailbox.close()
    assert {to for to, _ in mailbox.taken.values()} == {*sent, "c2@mail.example"}
    assert len(mailbox.heard) == heard + 1


def test_a_webhook_gets_the_text_and_no_address(lake, monkeypatch):
    monkeypatch.setenv(outbox_delivery.WEBHOOK_SECRET, "s")
    webhook = Webhook()
    outbox_delivery.run(lake("webhook", webhook={"url": webhook.url}))
    webhook.close()
    contacts = {r["customer_id"]: r for r in lake().read("gold.outbox").collect()}
    assert set(contacts) == {"c0", "c1", "c3"}
    bodies = [json.loads(body) for _, body in webhook.heard]
    assert {b["contact_id"] for b in bodies} == {contacts[c]["contact_id"] for c in ("c0", "c1")}
    assert {b["text"] for b in bodies} == {
        m["text"] for m in messages_of(()) if m["customer_id"] in ("c0", "c1")
    }
    assert b"mail.example" not in b"".join(body for _, body in webhook.heard)


def test_a_message_whose_text_is_rejected_is_not_sent(lake):
    """Queued while e-mail is not set up. The text of c0 is rejected before e-mail is set up."""
    outbox_delivery.run(lake("email"))
    assert lake().read("gold.outbox").count() == 3
    assert delivered(lake()) == {"c3": ("cancelled", "opted_out")}
    lake.write(lake(), "gold.text_pool", [{"text_id": "text-c0", "approved": False}])
    mailbox = Mailbox()
    to = {"email": {**MAIL, "port": mailbox.port}}
    outbox_delivery.run(lake("email", **to))
    mailbox.close()
    assert [to for to, _ in mailbox.taken.values()] == ["c1@mail.example"]
    assert "c0" not in delivered(lake())


def test_a_late_approval_of_an_older_plan_makes_no_second_contact(lake):
    """The newer message of c0 is sent, that of c2 is not approved. Then older ones of both are."""
    older = AS_OF - dt.timedelta(days=12)
    outbox_delivery.run(lake())
    decision = {"as_of": older, "campaign_id": "older", "offer_id": "discount_10"}
    decision |= {"is_held_out": False, "send_on": AS_OF - dt.timedelta(days=11)}
    decisions = [{**decision, "customer_id": c} for c in ("c0", "c2")]
    lake.write(lake(), "gold.offer_decisions", decisions, [older])
    approved = [m for m in messages_of({"c0", "c2"}) if m["approved"]]
    lake.write(lake(), "gold.messages", [{**m, "campaign_id": "older"} for m in approved])
    outbox_delivery.run(lake())
    rows = lake().read("gold.outbox").where("customer_id IN ('c0', 'c2')").collect()
    assert {(r["customer_id"], r["campaign_id"]) for r in rows} == {
        ("c0", CAMPAIGN),
        ("c2", "older"),
    }
    before = versions(lake())
    lake.write(lake(), "gold.messages", messages_of({"c0", "c1", "c2", "c3"}))
    outbox_delivery.run(lake())
    assert versions(lake()) == before  # c2 got the older message today


def test_a_message_waits_for_consent_and_for_the_booking_of_its_offer(lake, tmp_path, capsys):
    """c0 and c1 get bonus points. Those of c0 are not booked, and c1 has not said yes or no."""
    points = {"offer_id": "loyalty_bonus", "campaign_id": CAMPAIGN, "as_of": PLAN}
    decision = {**points, "is_held_out": False, "send_on": AS_OF - dt.timedelta(days=1)}
    decisions = [{**decision, "customer_id": c} for c in ("c0", "c1")]
    lake.write(lake(), "gold.offer_decisions", decisions, [PLAN])
    messages = [{**m, "offer_id": "loyalty_bonus"} for m in messages_of({"c0", "c1"})]
    lake.write(lake(), "gold.messages", messages)
    lake.write(lake(), "silver.customers", [lake.profile("c1", None)])
    booked = {"offer_id": "loyalty_bonus", "fulfilled_at": dt.datetime(2018, 1, 1, 9)}
    lake.write(lake(), "silver.fulfilments", [{**booked, "customer_id": "c1"}])
    outbox_delivery.run(lake())
    assert delivered(lake()) == {
        "c0": ("held_back", "not_fulfilled"),
        "c1": ("held_back", "consent_unknown"),
    }
    assert capsys.readouterr().err == (
        "warning: 1 contact held back: the consent of the customer is unknown "
        "(silver.customers.is_opted_out is null or there is no profile). Map is_opted_out, or set "
        "contact.when_consent_unknown: contact in conf to contact them.\n"
        "warning: 1 contact held back: their offer is not booked yet. The next run after "
        "silver.fulfilments has it sends them, until the offer expires. gold.outbox_deliveries "
        "lists them with reason not_fulfilled.\n"
    )
    before = versions(lake())
    outbox_delivery.run(lake(day=AS_OF + dt.timedelta(days=1)))
    assert versions(lake()) == before

    # The points of c0 are booked, and c1 agrees.
    lake.write(lake(), "silver.fulfilments", [{**booked, "customer_id": c} for c in ("c0", "c1")])
    lake.write(lake(), "silver.customers", [lake.profile("c1", False)])
    outbox_delivery.run(lake(day=AS_OF + dt.timedelta(days=2)))
    assert delivered(lake()) == {"c0": ("sent", None), "c1": ("sent", None)}
    files = [json.loads(p.read_text()) for p in (tmp_path / "lake" / "outbox").iterdir()]
    assert {f["customer_id"] for f in files} == {"c0", "c1"}


def test_a_message_that_is_not_booked_in_time_is_cancelled(lake):
    """loyalty_bonus is valid for 60 days from the day before AS_OF."""
    points = {"offer_id": "loyalty_bonus", "campaign_id": CAMPAIGN, "as_of": PLAN}
    send_on = AS_OF - dt.timedelta(days=1)
    decision = {**points, "customer_id": "c0", "is_held_out": False, "send_on": send_on}
    lake.write(lake(), "gold.offer_decisions", [decision], [PLAN])
    (message,) = (m for m in messages_of({"c0"}) if m["approved"])
    lake.write(lake(), "gold.messages", [{**message, "offer_id": "loyalty_bonus"}])
    outbox_delivery.run(lake(day=send_on + dt.timedelta(days=59)))
    assert delivered(lake()) == {"c0": ("held_back", "not_fulfilled")}
    booked = {"customer_id": "c0", "offer_id": "loyalty_bonus"}
    late = {**booked, "fulfilled_at": dt.datetime.combine(send_on, dt.time())}
    lake.write(lake(), "silver.fulfilments", [late])
    outbox_delivery.run(lake(day=send_on + dt.timedelta(days=60)))
    assert delivered(lake()) == {"c0": ("cancelled", "expired")}


def test_each_file_has_one_message(lake, tmp_path):
    outbox_delivery.run(lake())
    files = [json.loads(p.read_text()) for p in (tmp_path / "lake" / "outbox").iterdir()]
    assert {(f["customer_id"], f["offer_id"]) for f in files} == {
        ("c0", "discount_10"),
        ("c1", "discount_10"),
    }
    assert all(f["text"].endswith("10% off your next order.") for f in files)
