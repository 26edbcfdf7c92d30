"""The pool of texts end to end over tables in memory: Claude, approval, messages, what is replaced."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.outreach import message_texts, message_writing
from pipelines.outreach.message_writing import chosen
from runtime import settings
from runtime.context import Context
from runtime.errors import UsageError
from runtime.progress import Progress
from runtime.run_info import RunInfo
from tests.unit.messages.fake_claude import FakeClaude, data_of, error, plays, verdict, written

DAY, SEND_ON = dt.date(2018, 1, 1), dt.date(2018, 1, 3)
GOOD = {
    "en": ["Thank you for being with us, we are glad to have you here.",
           "It is good to have you with us, and our team is here for you."],
    "de": ["Schön, dass Sie bei uns sind, wir freuen uns sehr darüber.",
           "Danke für Ihr Vertrauen, unser Team ist gern für Sie da."],
}  # fmt: skip
OFFER_EN = "Enjoy 10% off your next order. Valid until 17 January 2018."
TEMPLATE_EN = "Thank you for being with us. We are glad to have you here."


class Rows(list):
    """Stands in for a small frame whose rows are dicts."""

    def orderBy(self, *names):
        return Rows(sorted(self, key=lambda row: [row[n] for n in names]))

    def select(self, *names):
        return Rows([{n: row[n] for n in names} for row in self])

    def distinct(self):
        return Rows({tuple(row.items()): row for row in self}.values())

    def where(self, name):
        return Rows([row for row in self if row[name]])

    def count(self):
        return len(self)

    def collect(self):
        return list(self)

    toLocalIterator = collect


class RowsLake:
    """Tables of dicts. Keeps what is merged into them."""

    def __init__(self):
        self.tables, self.writes = {}, 0

    def rows(self, name):
        return list(self.tables.get(name, {}).values())

    def read(self, table):
        return Rows(self.rows(table.name))

    def commit(self, writes):
        for write in writes:
            rows = self.tables.setdefault(write.table.name, {})
            rows.update({tuple(r[k] for k in write.table.key): r for r in write.frame})
            self.writes += 1

    def keep(self, rows):
        return rows

    def forget(self):
        pass


PEOPLE = [("a", "ADA", "en", False), ("b", "Herr", "en", True), ("c", "Eva", "de", False)]


@pytest.fixture
def company(monkeypatch):
    """A function that makes contexts over one lake. b has a language tag that is unknown.

    transforms.message_orders is tested on its own; here its rows are made by hand. `make.sent`
    holds the customers whose message was sent.
    """
    lake = RowsLake()

    def orders(context, offers):
        present = {r["customer_id"]: r for r in lake.rows("gold.messages")}
        return Rows(
            {
                **{"campaign_id": "plan", "customer_id": c, "offer_id": "discount_10"},
                **{"theme": "savings", "tone": "warm", "language": language},
                **{"is_language_unknown": is_unknown, "first_name": name, "send_on": SEND_ON},
                "contact_id": f"contact-{c}",
                "present_text_id": present.get(c, {}).get("text_id"),
                "present_text": present.get(c, {}).get("text"),
                "present_verdict": present.get(c, {}).get("guard_verdict"),
                "present_approved": present.get(c, {}).get("approved"),
            }
            for c, name, language, is_unknown in PEOPLE
            if c not in make.sent
        )

    def make(server=None, is_dry=False, **changes):
        # Without a server there is no key either, so that no test calls the real service.
        if server is None:
            monkeypatch.delenv(message_texts.KEY, raising=False)
        else:
            monkeypatch.setenv(message_texts.KEY, "sk-test")
        url = server.url if server else None
        conf = settings.load("demo", messages={"base_url": url, "variants": 2, **changes})
        made = Context(conf, RunInfo("test"), Progress(), is_dry=is_dry)
        made.__dict__["lake"] = lake
        made.__dict__["spark"] = SimpleNamespace(
            createDataFrame=lambda records, ddl: Rows(
                dict(zip((c.split()[0] for c in ddl.split(", ")), r, strict=True)) for r in records
            )
        )
        return made.at(DAY)

    monkeypatch.setattr(message_writing, "at_newest_plan", lambda context: context)
    monkeypatch.setattr(message_writing, "wanted", orders)
    make.lake, make.sent = lake, set()
    return make


@pytest.fixture
def claude():
    """A function that starts a server; the writer writes GOOD texts unless told otherwise."""
    servers = []

    def start(writer=lambda data: written(*GOOD[data["language"]][: data["count"]]), judge=None):
        judge = judge or (lambda data: verdict(language="de" if "ü" in data["text"] else "en"))
        servers.append(FakeClaude(plays(writer, judge)))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def messages(company):
    return {r["customer_id"]: r for r in company.lake.rows("gold.messages")}


def decide(company, is_approved, text_ids=None):
    """What text_approval does, by hand."""
    for row in company.lake.rows("gold.text_pool"):
        if text_ids is None or row["text_id"] in text_ids:
            row["approved"] = is_approved


def test_without_a_key_templates_serve_and_a_later_run_with_a_key_replaces_them(company, claude):
    message_writing.run(company())
    before = messages(company)
    assert {m["written_by"] for m in before.values()} == {"template"}
    assert {m["guard_verdict"] for m in before.values()} == {"template: no_key"}
    assert before["a"]["text"] == f"Hello Ada,\n\n{TEMPLATE_EN}\n\n{OFFER_EN}"
    # "Herr" is no name; a language that is unknown is written to in English.
    assert before["b"]["text"] == f"Hello,\n\n{TEMPLATE_EN}\n\n{OFFER_EN}"
    assert before["c"]["text"].startswith("Guten Tag Eva!\n\nSchön, dass Sie")
    assert before["c"]["text"].endswith("Gültig bis zum 17. Januar 2018.")
    assert all(m["approved"] and m["model"] is None for m in before.values())

    # A person holds back the message to c, which outlives the change of its text.
    company.lake.tables["gold.messages"]["plan", "c"]["approved"] = False

    # With a key: texts are written but wait, so that the templates still serve.
    server = claude()
    message_writing.run(company(server))
    assert {m["guard_verdict"] for m in messages(company).values()} == {
        "template: waiting_for_approval"
    }
    pool = company.lake.rows("gold.text_pool")
    assert sorted(r["text"] for r in pool) == sorted(GOOD["en"] + GOOD["de"])
    assert {(r["form_verdict"], r["judge_verdict"], r["approved"]) for r in pool} == {
        ("passed", "passed", None)
    }
    assert all(r["cost_usd"] > 0 and r["model"] == "claude-haiku-5-5" for r in pool)

    decide(company, True)
    message_writing.run(company(server))
    after = messages(company)
    by_id = {r["text_id"]: r["text"] for r in pool}
    for customer, greeting, offer in (("a", "Hello Ada,", OFFER_EN), ("b", "Hello,", OFFER_EN)):
        text = by_id[after[customer]["text_id"]]
        assert after[customer]["text"] == f"{greeting}\n\n{text}\n\n{offer}"
    assert {m["guard_verdict"] for m in after.values()} == {"passed"}
    assert {m["written_by"] for m in after.values()} == {"claude"}
    assert {c for c, m in after.items() if m["approved"]} == {"a", "b"}

    # A further run makes no call and writes nothing.
    calls, writes = len(server.requests), company.lake.writes
    message_writing.run(company(server))
    assert (len(server.requests), company.lake.writes) == (calls, writes)


def test_nothing_personal_leaves_the_company(company, claude):
    server = claude()
    message_writing.run(company(server))
    sent = "".join(server.raw)
    assert len(server.raw) > 4
    for personal in ("ADA", "Ada", "Eva", "contact-", '"plan"', '"a"'):
        assert personal not in sent
    for body in server.of("writer"):
        assert set(data_of(body)) == {"theme", "tone", "language", "offer", "count", "present"}


def test_unknown_languages_are_counted_and_warned(company, capsys):
    message_writing.run(company())
    assert capsys.readouterr().err == (
        "warning: silver.customers: the language of 1 customer with an offer is not a tag such as "
        "en, de-AT, fr_FR or es. Their messages are in English. Fix the mapping of `language`, or "
        "the source.\n"
    )


def test_a_message_that_was_sent_is_never_changed(company, claude):
    message_writing.run(company())
    before = messages(company)
    company.sent.add("a")
    server = claude()
    message_writing.run(company(server))
    decide(company, True)
    message_writing.run(company(server))
    after = messages(company)
    assert after["a"] == before["a"]
    assert {after[c]["written_by"] for c in "bc"} == {"claude"}


def test_a_rejected_text_is_replaced_by_the_other_one_and_then_by_the_template(company, claude):
    server = claude()
    message_writing.run(company(server, variants=2))
    decide(company, True)
    message_writing.run(company(server))
    first = messages(company)["c"]["text_id"]
    decide(company, False, [first])
    # The writer has no other text, so that the rejected one is not replaced.
    message_writing.run(company(server))
    second = messages(company)["c"]
    assert second["text_id"] != first and second["written_by"] == "claude"
    decide(company, False, [second["text_id"]])
    message_writing.run(company(server))
    third = messages(company)["c"]
    assert (third["written_by"], third["guard_verdict"]) == ("template", "template: no_text")


@pytest.mark.parametrize(
    ("judge", "reason", "kept"),
    [
        (lambda data: (200, {}, "<html>"), "malformed", "unanswered: malformed"),
        (lambda data: (400, {}, error("bad")), "http_400", "unanswered: http_400"),
        (lambda data: verdict(threat=True, reason="No."), "refused", "refused: threat"),
    ],
)
def test_what_the_judge_does_not_pass_is_not_used(company, claude, judge, reason, kept):
    server = claude(judge=judge)
    message_writing.run(company(server, failures_to_stop=100))
    assert {r["judge_verdict"] for r in company.lake.rows("gold.text_pool")} == {
        kept if not kept.startswith("refused") else "refused: threat"
    } | ({"refused: threat, language"} if kept.startswith("refused") else set())
    verdicts = {m["guard_verdict"] for m in messages(company).values()}
    # A second draft that only repeats the first gives no text.
    assert verdicts <= {f"template: {reason}", "template: no_text"}
    decide(company, True)  # an approval that no command allows
    message_writing.run(company())
    assert {m["written_by"] for m in messages(company).values()} == {"template"}


def test_a_brief_whose_drafts_are_always_refused_is_given_up(company, claude):
    """Two variants are wanted: after six refused drafts of a brief no call is made for it."""
    numbers = iter(range(1000))

    def writer(data):
        n = next(numbers)
        return written(*[f"We are glad to have you with us, {n} and {k}." for k in range(9)])

    server = claude(writer)
    for _ in range(4):
        message_writing.run(company(server))
    drafts = company.lake.rows("gold.text_pool")
    by_language = [r["language"] for r in drafts]
    # Two first drafts and two second drafts per run: 4 in the first run, then 2 + 2, then none.
    assert by_language.count("en") == by_language.count("de") == 8
    assert {r["form_verdict"] for r in drafts} <= {"characters", "characters, language"}
    assert server.of("judge") == []
    calls = len(server.requests)
    message_writing.run(company(server))
    assert len(server.requests) == calls


def test_a_killed_run_pays_again_only_for_the_part_that_was_not_stored(
    company, claude, monkeypatch
):
    """Each brief is a part. The run is killed before the second part (en) is stored."""
    server, store = claude(), message_texts.store_texts

    def store_or_die(context, texts):
        if texts[0].brief.language == "en":
            raise KeyboardInterrupt
        store(context, texts)

    monkeypatch.setattr(message_texts, "store_texts", store_or_die)
    with pytest.raises(KeyboardInterrupt):
        message_writing.run(company(server, briefs_a_commit=1))
    assert {r["language"] for r in company.lake.rows("gold.text_pool")} == {"de"}
    monkeypatch.setattr(message_texts, "store_texts", store)
    before = len(server.of("writer"))
    message_writing.run(company(server, briefs_a_commit=1))
    assert [data_of(body)["language"] for body in server.of("writer")[before:]] == ["en"]
    assert len(company.lake.rows("gold.text_pool")) == 4


def test_a_dry_run_asks_nobody_and_writes_nothing(company, claude, capsys):
    server = claude()
    message_writing.run(company(server, is_dry=True))
    assert (server.requests, company.lake.writes) == ([], 0)
    assert "Claude for 4 texts of 2 briefs, for at most 5.0 USD" in capsys.readouterr().out


def test_each_text_gets_its_share_and_a_new_text_moves_nobody():
    texts = {name: SimpleNamespace(text_id=name) for name in ("t1", "t2", "t3", "t4")}
    three = {name: texts[name] for name in ("t1", "t2", "t3")}
    customers = [f"c{n}" for n in range(600)]
    first = {c: chosen(three, "plan", c, present=None).text_id for c in customers}
    counts = [list(first.values()).count(name) for name in three]
    # 200 each; the standard deviation is (600 x 1/3 x 2/3) ** 0.5 = 11.5.
    assert all(abs(count - 200) < 4 * 11.6 for count in counts)
    assert {c: chosen(texts, "plan", c, present=first[c]).text_id for c in customers} == first
    assert chosen({}, "plan", "c1", present="t1") is None
    # Another campaign draws again.
    other = {c: chosen(three, "plan-2", c, present=None).text_id for c in customers}
    assert other != first


def test_a_template_of_conf_that_fails_the_form_checks_is_refused():
    with pytest.raises(UsageError) as refused:
        message_texts.check_templates({"savings": {"en": "Thank you, enjoy 20% off with us."}})
    assert str(refused.value).startswith(
        "conf: messages.templates.savings.en: 'Thank you, enjoy 20% off with us.' fails the form "
        "checks (characters)."
    )


def test_the_templates_of_conf_pass_the_form_checks():
    message_texts.check_templates(settings.load("demo").messages.templates_by_name())
