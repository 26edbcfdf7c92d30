"""decide_offers and write_messages on a small lake: run twice, with and without the service."""

from __future__ import annotations

import datetime as dt
import math
import shutil

import pytest

from pipelines import full_pipeline
from pipelines.offers import budgets, offer_planning
from pipelines.outreach import message_writing, outbox_delivery
from pipelines.simulation import company_files
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.jobs.decision_lake import AS_OF, rows_of, write_decision_lake
from tests.unit.messages.fake_claude import FakeClaude, plays, verdict, written

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]


@pytest.fixture(scope="module")
def lake(spark, tmp_path_factory):
    """The root of a lake with decided offers."""
    root = tmp_path_factory.mktemp("decisions") / "lake"
    context = at(root)
    write_decision_lake(context)
    offer_planning.run(context)
    return root


def at(root, is_dry=False, **messages):
    settings = load("demo", lakehouse={"root": str(root), "catalog": None})
    changed = settings.messages.model_copy(update=messages)
    settings = settings.model_copy(update={"messages": changed})
    context = Context(settings, RunInfo("test"), Progress(is_quiet=True), AS_OF, is_dry=is_dry)
    return context.at(AS_OF)  # The lake has no purchases to derive as_of from.


def table(root, name, key="customer_id"):
    return at(root).read(name).toPandas().sort_values(key, ignore_index=True)


def test_all_customers_have_an_offer_or_a_reason_and_the_budget_holds(lake):
    decided = table(lake, "gold.offer_decisions").set_index("customer_id")
    assert len(decided) == 40
    assert (decided["offer_id"].isna() == decided["no_offer_reason"].notna()).all()
    assert decided.loc["c03", "no_offer_reason"] == "opted_out"
    assert decided.loc["c05", "no_offer_reason"] == "cooling_off"
    assert list(decided.index[decided["offer_id"] == "winback_survey"]) == ["c37", "c38", "c39"]
    within = decided[decided["offer_id"].notna() & (decided["offer_id"] != "winback_survey")]
    # A fifth of the 37 active customers.
    assert len(within) == 7
    # The rules: loyalty_bonus for more than 20 orders, else discount_10.
    orders = {f"c{n:02d}": 10 + n for n in range(40)}
    for customer, offer in within["offer_id"].items():
        assert offer == ("loyalty_bonus" if orders[customer] > 20 else "discount_10")
    # Each chosen customer gains more than each customer left out because of the budget.
    gain = {
        f"c{n:02d}": 0.2 * (n + 1) / 50 * (1000 - 10 * n) - 0.03 * (1000 - 10 * n)
        for n in range(37)
    }
    out = decided.index[decided["no_offer_reason"] == "budget"]
    assert min(gain[c] for c in within.index) >= max(gain[c] for c in out)


def test_the_plan_has_the_minimum_detectable_effect_of_its_hold_out(lake):
    """37 customers have scores from 0.02 to 0.74, with a mean of 0.38: 62 % are expected to stay."""
    decided = table(lake, "gold.offer_decisions")
    plan = table(lake, "gold.offer_plan", "offer_id").set_index("offer_id")
    deviation = (0.62 * 0.38) ** 0.5
    # (2.801585 x deviation / 0.05)^2 x (1 / 0.9 + 1 / 0.1) = 8,218.6
    needed = math.ceil((2.801585 * deviation / 0.05) ** 2 * (1 / 0.9 + 1 / 0.1))
    for offer, rows in decided.groupby("offer_id"):
        held = rows["is_held_out"].sum()
        detectable = plan.loc[offer, "minimum_detectable_effect"]
        if offer == "winback_survey" or not held or held == len(rows):
            assert math.isnan(detectable)
        else:
            error = deviation * (1 / held + 1 / (len(rows) - held)) ** 0.5
            assert detectable == pytest.approx(2.801585 * error, rel=1e-6)
        is_measured = offer != "winback_survey" and held < len(rows)
        assert (plan.loc[offer, "customers_needed"] == needed) == is_measured


def test_deciding_again_changes_nothing(lake):
    names = ("gold.offer_decisions", "gold.hold_out")
    before = [at(lake).lake.version(n) for n in names]
    offer_planning.run(at(lake))
    assert [at(lake).lake.version(n) for n in names] == before


def test_chosen_customers_are_assigned_once_and_permanently(lake, tmp_path):
    decided = table(lake, "gold.offer_decisions")
    drawn = table(lake, "gold.hold_out")
    chosen = decided[decided["offer_id"].notna()]
    assert list(drawn["customer_id"]) == list(chosen["customer_id"])
    assert list(drawn["is_held_out"]) == list(chosen["is_held_out"])
    assert set(drawn["stratum"]) == {"Loyal"}
    # Ten customers of one segment: one is held out, to within one.
    assert abs(drawn["is_held_out"].sum() - 1) <= 1

    # In a lake in which all customers are held out, no customer gets an offer.
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    shutil.rmtree(root / "gold" / "hold_out")
    context = at(root)
    all_held_out = [
        {"customer_id": c, "stratum": "Promising", "is_held_out": True}
        for c in decided["customer_id"]
    ]
    frame = rows_of(context, "gold.hold_out", all_held_out)
    context.lake.commit([Write(context.table("gold.hold_out"), frame, mode="merge")])
    version = at(root).lake.version("gold.hold_out")
    offer_planning.run(at(root))
    again = table(root, "gold.offer_decisions")
    assert list(again["is_held_out"]) == list(again["offer_id"].notna())
    assert at(root).lake.version("gold.hold_out") == version
    plan = table(root, "gold.offer_plan", "offer_id")
    assert plan["customers"].sum() == 0 and plan["held_out"].sum() == len(chosen)


def test_a_customer_contacted_by_a_trigger_that_day_gets_no_offer(lake, tmp_path):
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    decided = table(root, "gold.offer_decisions").set_index("customer_id")
    assert decided.loc["c39", "offer_id"] == "winback_survey"
    context = at(root)
    waiting = {"triggered_on": AS_OF, "expires_on": AS_OF + dt.timedelta(days=7)}
    contact = rows_of(context, "gold.outbox", [{"customer_id": "c39", **waiting}])
    context.lake.commit([Write(context.table("gold.outbox"), contact, mode="merge")])
    offer_planning.run(at(root))
    again = table(root, "gold.offer_decisions").set_index("customer_id")
    assert again.loc["c39", "no_offer_reason"] == "cooling_off"
    assert again.loc["c38", "offer_id"] == "winback_survey"


def test_a_later_plan_of_the_period_has_the_remaining_budget(lake):
    decided = table(lake, "gold.offer_decisions")
    within = decided[decided["effect"].notna()]
    later = at(lake)
    # On this day all offers are due and still valid: each is valid for at least 14 days.
    later = later.at(within["send_on"].max())
    assert (within["send_on"].max() - within["send_on"].min()).days < 14
    assert budgets.used_of_period(later) == {}
    budget = later.settings.decisions.budget.model_copy(update={"rolling_days": 30})
    decisions = later.settings.decisions.model_copy(update={"budget": budget})
    later.settings = later.settings.model_copy(update={"decisions": decisions})
    used = budgets.used_of_period(later)
    assert sum(r["customers"] for r in used.values()) == len(within) == 7
    for offer, rows in within.groupby("offer_id"):
        assert used[offer]["expected_cost"] == pytest.approx(rows["expected_cost"].sum())


def test_without_a_key_every_offer_has_a_template(lake, monkeypatch):
    monkeypatch.delenv(message_writing.KEY, raising=False)
    message_writing.run(at(lake))
    decided = table(lake, "gold.offer_decisions")
    sent = decided[decided["offer_id"].notna() & ~decided["is_held_out"]]
    messages = table(lake, "gold.messages")
    assert list(messages["customer_id"]) == list(sent["customer_id"])
    assert set(messages["written_by"]) == {"template"}
    assert set(messages["guard_verdict"]) == {"template: no_key"}
    assert messages["approved"].all()  # by conf
    version = at(lake).lake.version("gold.messages")
    message_writing.run(at(lake))
    assert at(lake).lake.version("gold.messages") == version


def test_templates_of_all_messages_are_delivered(lake, tmp_path, monkeypatch):
    monkeypatch.delenv(message_writing.KEY, raising=False)
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    message_writing.run(at(root))
    assert not company_files.approve(at(root))
    later = at(root)
    later = later.at(AS_OF + dt.timedelta(days=full_pipeline.DELIVERIES[0]))
    outbox_delivery.run(later)
    written_to = list(table(root, "gold.messages")["customer_id"])
    delivered = table(root, "gold.outbox_deliveries")
    assert list(delivered["customer_id"]) == written_to
    assert set(delivered["status"]) == {"sent"}
    files = {p.stem for p in (root / "outbox").iterdir()}
    assert files == set(delivered["contact_id"])


def test_first_names_in_messages_are_not_in_delta_statistics(lake):
    log = "".join(p.read_text() for p in (lake / "gold" / "messages" / "_delta_log").glob("*.json"))
    for name in ("Ada", "Ben", "Clara", "David"):
        assert name not in log


GOOD = {
    "en": "Thank you for being with us, we are glad to have you here.",
    "de": "Schön, dass Sie bei uns sind, wir freuen uns sehr darüber.",
    "fr": "Merci d’être avec nous, nous sommes ravis de vous avoir.",
    "es": "Gracias por estar con nosotros, nos alegra mucho tenerle aquí.",
}


def test_claude_writes_texts_once_and_approved_ones_replace_the_templates(
    lake, tmp_path, monkeypatch
):
    root = tmp_path / "lake"
    shutil.copytree(lake, root)
    monkeypatch.setenv(message_writing.KEY, "sk-test")
    language_of = {text: language for language, text in GOOD.items()}
    server = FakeClaude(
        plays(
            lambda data: written(GOOD[data["language"]]),
            lambda data: verdict(language=language_of[data["text"]]),
        )
    )
    more = {"base_url": server.url, "variants": 1}
    try:
        message_writing.run(at(root, **more))
        calls = len(server.raw)
        pool = table(root, "gold.text_pool", "text_id")
        assert calls == 3 * len(pool) and set(pool["judge_verdict"]) == {"passed"}
        assert set(table(root, "gold.messages")["written_by"]) == {"template"}
        assert company_files.approve(at(root)) and not company_files.approve(at(root))
        message_writing.run(at(root, **more))
        messages = table(root, "gold.messages")
        assert set(messages["written_by"]) == {"claude"}
        assert set(messages["model"]) == {"claude-haiku-5-5"}
        assert set(messages["text_id"]) == set(pool["text_id"])
        version = at(root).lake.version("gold.messages")
        message_writing.run(at(root, **more))
        assert (len(server.raw), at(root).lake.version("gold.messages")) == (calls, version)
        # No request body contains a customer id or a name.
        sent = "".join(server.raw)
        assert not any(f'"{c}"' in sent for c in messages["customer_id"])
        assert not any(name in sent for name in ("Ada", "Ben", "Clara", "David"))
    finally:
        server.close()


def test_a_dry_run_writes_nothing_and_sends_no_request(lake, tmp_path, monkeypatch):
    monkeypatch.setenv(message_writing.KEY, "sk-test")
    before = at(lake).lake.version("gold.messages")
    message_writing.run(at(lake, is_dry=True, base_url="http://127.0.0.1:9"))
    offer_planning.run(at(lake, is_dry=True))
    assert at(lake).lake.version("gold.messages") == before
