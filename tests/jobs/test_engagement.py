"""trigger_engagement and deliver_outbox on a small lake: a rise, a contact, kills, reruns."""

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
    """c00 to c29 rose from LOW to HIGH, c30 to c39 did not; c03 opted out, c04 is in the plan, c05
    was held out by an earlier one, c06 was written to lately; recency is the number. c40 and c41
    rose too, but discount_10 harms the one, and the other is lost."""
    ids = [f"c{n:02d}" for n in range(42)]
    score = [
        {"customer_id": i, "as_of": BEFORE, "risk_level": "HIGH" if 30 <= n < 40 else "LOW"}
        for n, i in enumerate(ids)
    ]
    score += [{"customer_id": i, "as_of": AS_OF, "risk_level": "HIGH"} for i in ids]
    decision = {"offer_id": "discount_10", "effect": 0.1, "send_on": AS_OF + dt.timedelta(days=5)}
    held_out = {"is_held_out": True, "as_of": BEFORE, "send_on": AS_OF - dt.timedelta(days=9)}
    lately = {"campaign_id": "old", "is_treated": True, "contacted_at": dt.datetime(2017, 12, 22)}
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
        "silver.campaign_contacts": [{"customer_id": "c06", **lately}],
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
    """Receivers: a webhook and a mailbox."""
    webhook, mailbox = Webhook(), Mailbox()
    yield webhook, mailbox
    webhook.close()
    mailbox.close()


def conf_of(root, outside, folder):
    """A folder of conf with an environment `small` over the lake at root."""
    webhook, mailbox = outside
    mail = {"host": "127.0.0.1", "port": mailbox.port, "security": "none"}
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


# Both jobs as their commands run them, in one process, whose end leaves no handler a chance. The
# day is not looked for in purchases, of which this lake has none.
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


def test_killed_at_every_named_point_each_contact_is_made_once(
    make_context, outside, tmp_path_factory, monkeypatch
):
    """Five runs, each of which dies at the next point, and one that is left alone."""
    root = tmp_path_factory.mktemp("killed") / "lake"
    write_rises(make_context(root))
    conf = conf_of(root, outside, root.parent / "conf")
    for point in ("before_outbox", "after_outbox", "after_send:4", "before_mark", "after_mark"):
        code, said = run_jobs(conf, point)
        assert code == 137, f"{point}: {said}"

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
    # 30 rose who may get it, less c03 to c06.
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
    # Over the wire again only what was taken and not noted: at after_send, at most one contact.
    assert len(webhook.heard) + len(mailbox.heard) <= 20 + 1
    # One more run: nothing is sent, no table has a new version.
    versions = [
        make_context(root).lake.version(n) for n in ("gold.outbox", "gold.outbox_deliveries")
    ]
    heard = len(webhook.heard) + len(mailbox.heard)
    run_free()
    again = make_context(root).lake
    assert [again.version(n) for n in ("gold.outbox", "gold.outbox_deliveries")] == versions
    assert len(webhook.heard) + len(mailbox.heard) == heard
    assert not (root / "outbox.journal").exists()
    # Names and addresses left in the mails alone.
    text = b"".join(p.read_bytes() for p in (root / "gold").rglob("*") if p.is_file())
    text += b"".join(p.read_bytes() for p in (root / "outbox").iterdir())
    text += b"".join(body for _, body in webhook.heard) + said.encode()
    assert b"mail.example" not in text and b"Ada" not in text
    (to, raw), *_ = mailbox.taken.values()
    assert to.endswith("@mail.example") and b"Guten Tag Ada" in raw


@pytest.fixture
def lake(make_context, tmp_path):
    """A function that makes a context over a lake with rises, of whoever came before."""
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


def test_what_cannot_go_out_waits_and_what_is_refused_is_dead_until_asked_for(
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
    with pytest.raises(UsageError, match="HOLDFAST_WEBHOOK_SECRET"):
        outbox_delivery.run(lake(delivery=to))


def test_a_rule_of_levels_that_are_not_in_use_is_refused(lake):
    wrong = [{**RULES[0], "to": ["high"]}]
    with pytest.raises(UsageError) as refused:
        engagement_triggers.run(lake(rules=wrong))
    assert str(refused.value) == (
        "triggers.rules, by_file: to names ['high']; the levels of risk.scheme four_bands are "
        "CRITICAL, HIGH, MEDIUM, LOW. Name these."
    )
