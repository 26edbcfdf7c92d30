"""trigger_engagement and deliver_outbox on a small lake: rises, contacts, kills and reruns."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.outreach import engagement_triggers, outbox_delivery
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, MOMENT, rows_of
from tests.unit.pipelines.outreach.receivers import Mailbox, Webhook

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]
ROOT = Path(__file__).resolve().parents[2]
BEFORE = dt.date(2017, 12, 1)
RULES = [
    {
        **{"name": name, "to": ["CRITICAL", "HIGH"], "when": when, "action": "offer"},
        **{"offer_id": "discount_10", "channel": channel, "period_days": 90, "valid_days": 7},
    }
    for name, when, channel in (
        ("by_file", "recency_days < 10", "file"),
        ("by_webhook", "recency_days < 20", "webhook"),
        ("by_mail", None, "email"),
    )
]


def write_rises(context) -> None:
    """c00 to c29 rose from LOW to HIGH, c30 to c39 did not. recency_days is the number.

    c03 opted out, c04 has an offer of the plan, c05 is in the control group of an earlier plan, and
    c06 was contacted recently. c40 and c41 rose too, but discount_10 harms c40, and c41 is lost.
    """
    ids = [f"c{n:02d}" for n in range(42)]
    score = [
        {"customer_id": i, "as_of": BEFORE, "risk_level": "HIGH" if 30 <= n < 40 else "LOW"}
        for n, i in enumerate(ids)
    ]
    score += [{"customer_id": i, "as_of": AS_OF, "risk_level": "HIGH"} for i in ids]
    decision = {"offer_id": "discount_10", "effect": 0.1, "send_on": AS_OF + dt.timedelta(days=5)}
    held_out = {"is_held_out": True, "as_of": BEFORE, "send_on": AS_OF - dt.timedelta(days=9)}
    recent = {"campaign_id": "old", "is_treated": True, "contacted_at": dt.datetime(2017, 12, 22)}
    profile = {"first_name": "Ada", "language": "de", "valid_from": MOMENT}
    tables = {
        "gold.customer_scores": score,
        "gold.customer_segments": [
            {"customer_id": i, "recency_days": n, "lifecycle": "lost" if n == 41 else "active"}
            for n, i in enumerate(ids)
        ],
        "gold.offer_effects": [
            {"customer_id": c, "offer_id": "discount_10", "effect": effect, "as_of": BEFORE}
            for c, effect in (("c00", 0.1), ("c40", -0.1))
        ],
        "gold.offer_decisions": [
            {"customer_id": "c04", **decision},
            {"customer_id": "c05", **decision, **held_out},
        ],
        "silver.campaign_contacts": [{"customer_id": "c06", **recent}],
        "silver.customers": [
            {**profile, "customer_id": i, "is_opted_out": i == "c03", "email": f"{i}@mail.example"}
            for i in ids
        ],
    }
    writes = []
    for name, rows in tables.items():
        table = context.table(name)
        mode = "slice" if table.slice_by else "merge"
        slices = [BEFORE, AS_OF] if table.slice_by == "as_of" else ["x"]
        writes.append(Write(table, rows_of(context, name, rows), slices, mode, is_checked=False))
    context.lake.commit(writes)


@pytest.fixture(scope="module")
def outside():
    """The receivers: a webhook and a mailbox."""
    webhook, mailbox = Webhook(), Mailbox()
    yield webhook, mailbox
    webhook.close()
    mailbox.close()


def conf_of(root, outside, folder):
    """A conf folder with an environment `small`, whose lake is at root."""
    webhook, mailbox = outside
    mail = {"host": "127.0.0.1", "port": mailbox.port, "security": "none"}
    mail["unsubscribe"] = "https://shop.example/stop?c={contact_id}"
    values = {
        "as_of": AS_OF.isoformat(),
        "lakehouse": {"root": str(root)},
        "decisions": {"hold_out_share": 0.0},
        "triggers": {
            "rules": RULES,
            "delivery": {"rows_a_commit": 10, "webhook": {"url": webhook.url}, "email": mail},
        },
    }
    folder.mkdir(exist_ok=True)
    (folder / "small.yaml").write_text(json.dumps(values))
    return folder


# Runs both commands in one process, which a fault point ends without any handler. as_of is fixed,
# because this lake has no purchases from which it could be derived.
PROGRAM = """
import datetime, sys
from runtime.context import Context
from jobs import deliver_outbox, trigger_engagement
Context.as_of = datetime.date(2018, 1, 1)
for job in (trigger_engagement, deliver_outbox):
    job.command("small", conf_dir=sys.argv[1])
"""


def run_jobs(conf, crash_at=""):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(conf)],
        cwd=ROOT,
        env={
            **os.environ,
            "CRASH_AT": crash_at,
            "PYTHONPATH": str(ROOT),
            "HOLDFAST_WEBHOOK_SECRET": "s",
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def table(make_context, root, name):
    return make_context(root).read(name).toPandas()


def test_after_kills_at_every_fault_point_each_contact_is_sent_once(
    make_context, outside, tmp_path_factory, monkeypatch
):
    """Five runs, each killed at the next fault point, and one that is not killed."""
    root = tmp_path_factory.mktemp("killed") / "lake"
    write_rises(make_context(root))
    conf = conf_of(root, outside, root.parent / "conf")
    for point in ("before_outbox", "after_outbox", "after_send:4", "before_mark", "after_mark"):
        code, output = run_jobs(conf, point)
        assert code == 137, f"{point}: {output}"

    def run_free():
        values = json.loads((conf / "small.yaml").read_text())
        context = make_context(root, triggers=values["triggers"], decisions=values["decisions"])
        context = context.at(AS_OF)
        engagement_triggers.run(context)
        outbox_delivery.run(context)

    monkeypatch.setenv(outbox_delivery.WEBHOOK_SECRET, "s")
    run_free()
    webhook, mailbox = outside
    contacts = table(make_context, root, "gold.outbox")
    # The 30 customers who rose and may get the offer, without c03 to c06.
    assert sorted(contacts["customer_id"]) == [
        f"c{n:02d}" for n in range(30) if n not in range(3, 7)
    ]
    of = {rule: set(rows["contact_id"]) for rule, rows in contacts.groupby("rule")}
    files = [p.stem for p in (root / "outbox").iterdir()]
    assert (set(files), len(files)) == (of["by_file"], 6)
    assert (set(webhook.taken), len(webhook.taken)) == (of["by_webhook"], 10)
    mails = [name[1:33] for name in mailbox.taken]
    assert (set(mails), len(mails)) == (of["by_mail"], 10)
    delivered = table(make_context, root, "gold.outbox_deliveries")
    assert set(delivered["contact_id"]) == set(contacts["contact_id"])
    assert set(delivered["status"]) == {"sent"} and len(delivered) == 26
    # Only the kill at after_send can repeat a request: accepted, but not in the journal.
    assert len(webhook.heard) + len(mailbox.heard) <= 20 + 1
    # One more run sends nothing, and no table has a new version.
    versions = [
        make_context(root).lake.version(n) for n in ("gold.outbox", "gold.outbox_deliveries")
    ]
    heard = len(webhook.heard) + len(mailbox.heard)
    run_free()
    again = make_context(root).lake
    assert [again.version(n) for n in ("gold.outbox", "gold.outbox_deliveries")] == versions
    assert len(webhook.heard) + len(mailbox.heard) == heard
    assert not (root / "outbox.journal").exists()
    # Only the e-mails contain names and addresses.
    text = b"".join(p.read_bytes() for p in (root / "gold").rglob("*") if p.is_file())
    text += b"".join(p.read_bytes() for p in (root / "outbox").iterdir())
    text += b"".join(body for _, body in webhook.heard) + output.encode()
    assert b"mail.example" not in text and b"Ada" not in text
    (to, raw), *_ = mailbox.taken.values()
    assert to.endswith("@mail.example") and b"Guten Tag Ada" in raw


@pytest.fixture
def lake(make_context, tmp_path):
    """A function that makes a context over a lake with the rises of write_rises."""
    root = tmp_path / "lake"

    def at(is_dry=False, **triggers):
        context = make_context(
            root,
            is_dry=is_dry,
            triggers={"rules": RULES, **triggers},
            decisions={"hold_out_share": 0.0},
        )
        return context.at(AS_OF)

    write_rises(at())
    return at


def test_unsent_contacts_wait_and_refused_ones_are_dead_until_retried_on_request(
    lake, outside, monkeypatch
):
    monkeypatch.setenv(outbox_delivery.WEBHOOK_SECRET, "s")
    engagement_triggers.run(lake(is_dry=True))
    assert lake().read("gold.outbox").count() == 0
    engagement_triggers.run(lake())
    outbox_delivery.run(lake(is_dry=True))
    outbox_delivery.run(lake())  # neither webhook nor e-mail is set up
    assert lake().read("gold.outbox_deliveries").count() == 6

    refusing = Webhook(behave=lambda number: (410, {}))
    outbox_delivery.run(lake(delivery={"webhook": {"url": refusing.url}}))
    refusing.close()
    dead = lake().read("gold.outbox_deliveries").where("status = 'dead'").collect()
    assert {(r["reason"], r["attempts"]) for r in dead} == {("http_410", 1)} and len(dead) == 10

    webhook = Webhook()
    to = {"webhook": {"url": webhook.url}}
    outbox_delivery.run(lake(delivery=to))
    assert webhook.heard == []
    outbox_delivery.run(lake(delivery=to), outbox_delivery.DeliveryOptions(is_dead_retried=True))
    webhook.close()
    assert {n for n in webhook.taken} == {r["contact_id"] for r in dead}

    monkeypatch.delenv(outbox_delivery.WEBHOOK_SECRET)
    with pytest.raises(UsageError) as refused:
        outbox_delivery.run(lake(delivery=to))
    assert str(refused.value) == (
        "triggers.delivery.webhook.url is set, but HOLDFAST_WEBHOOK_SECRET is not. Without the "
        "secret a receiver cannot verify that a contact comes from Holdfast. Set both, or neither."
    )


def test_a_rule_with_an_unknown_level_is_refused(lake):
    wrong = [{**RULES[0], "to": ["high"]}]
    with pytest.raises(UsageError) as refused:
        engagement_triggers.run(lake(rules=wrong))
    assert str(refused.value) == (
        "triggers.rules, by_file: to has unknown levels ['high']. risk.scheme relative has "
        "CRITICAL, HIGH, MEDIUM, LOW. Use only these."
    )
