"""What people change in the app: outcomes of tasks, texts, and the audit of each change."""

from __future__ import annotations

import datetime as dt

import pytest
from deltalake import DeltaTable

from app import changes
from app.data import tasks, texts
from app.data.first_list import first_list
from app.data.tasks import Outcome
from app.identity import User
from app.writing import append
from contracts.gold_app import APP_CHANGES
from contracts.silver import TASK_OUTCOMES
from runtime.errors import BusyError, UsageError
from runtime.files import Location
from runtime.lakehouse.lease_files import lease_files
from runtime.lakehouse.lease_holder import Holder
from runtime.lakehouse.leases import Terms, leases
from tests.unit.app.conftest import paragraphs
from tests.unit.app.small_lake_folder import AS_OF, write

ANN, BOB = User("ann", "editor"), User("bob", "viewer")
DONE = Outcome("a", "spring", "done", "cem", dt.date(2024, 6, 5))


def text(text_id, judge="passed", **more):
    """A row of gold.text_pool."""
    return {
        "text_id": text_id,
        "offer_id": "discount_10",
        "theme": "savings",
        "tone": "warm",
        "language": "en",
        "text": f"A text {text_id}.",
        "form_verdict": "passed",
        "judge_verdict": judge,
        "model": "m",
        "prompt_version": "1",
        "input_tokens": 1,
        "output_tokens": 1,
        "cost_usd": 0.0,
        **more,
    }


def audit(lake):
    """The audited changes as (action, state, who), in the order in which they were written."""
    sql = """SELECT action, state, changed_by FROM {gold.app_changes}
             ORDER BY changed_at, state = 'started' DESC"""
    return [(r["action"], r["state"], r["changed_by"]) for r in lake.rows(sql)]


def test_an_outcome_is_appended_and_audited(lake):
    task_id = tasks.note(lake, ANN, DONE)

    (row,) = tasks.noted(lake, "spring")
    expected = {
        "task_id": task_id,
        "customer_id": "a",
        "campaign_id": "spring",
        "owner": "cem",
        "due_on": dt.date(2024, 6, 5),
        "outcome": "done",
        "noted_by": "ann",
        "source": "holdfast-app",
    }
    assert {name: row[name] for name in expected} == expected
    assert audit(lake) == [("note_outcome", "started", "ann"), ("note_outcome", "done", "ann")]


def test_outcomes_are_only_ever_added(lake):
    tasks.note(lake, ANN, DONE)
    tasks.note(lake, ANN, DONE)

    table = DeltaTable(str(lake.root / "silver" / "task_outcomes"))
    assert [c["operation"] for c in table.history()] == ["WRITE", "WRITE", "CREATE TABLE"]
    assert tasks.counts(lake, "spring") == {"done": 2}


def test_a_customer_with_an_outcome_is_no_longer_open(lake):
    first = first_list(lake, AS_OF, "net_value")
    assert tasks.open_customers(first, "spring") == ["a"]  # the plan chose one customer

    tasks.note(lake, ANN, DONE)

    assert tasks.open_customers(first, "spring") == []
    assert tasks.open_customers(first, "summer") == ["a"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            Outcome("nobody", "spring", "done"),
            "There is no customer nobody. Choose one of the list, or type the whole customer id.",
        ),
        (
            Outcome("a", "spring", "great"),
            "The outcome 'great' must be one of done, not_reached, declined, not_done.",
        ),
        (
            Outcome("a", "spring", "done", "x" * 101),
            "The owner has 101 characters, at most 100 are stored.",
        ),
    ],
    ids=["customer", "outcome", "owner"],
)
def test_an_invalid_outcome_is_refused_and_nothing_is_written(given, sentence, lake):
    with pytest.raises(UsageError) as caught:
        tasks.note(lake, ANN, given)

    assert str(caught.value) == sentence
    assert lake.version("silver.task_outcomes") is None
    assert audit(lake) == []


def test_a_viewer_changes_nothing(lake):
    write(lake.root, "gold.text_pool", [text("t1")])
    for change in (
        lambda: tasks.note(lake, BOB, DONE),
        lambda: texts.decide(lake, BOB, "t1", is_approved=True),
    ):
        with pytest.raises(UsageError) as caught:
            change()
        assert str(caught.value) == "bob is a viewer. Only editors may change something."

    assert lake.version("silver.task_outcomes") is None
    assert texts.counts(lake) == {"waiting": 1}
    assert lake.version("gold.app_changes") is None


def test_a_text_is_approved_and_rejected_by_name(lake):
    write(lake.root, "gold.text_pool", [text("t1"), text("t2")])

    texts.decide(lake, User("O'Hara", "editor"), "t1", is_approved=True)
    texts.decide(lake, ANN, "t2", is_approved=False)

    assert texts.counts(lake) == {"approved": 1, "rejected": 1}
    (approved,) = texts.of_status(lake, "approved")
    assert (approved["text_id"], approved["approved_by"]) == ("t1", "O'Hara")
    age = dt.datetime.now(dt.UTC) - approved["approved_at"].replace(tzinfo=dt.UTC)
    assert dt.timedelta() <= age < dt.timedelta(minutes=1)


def test_a_text_that_the_judge_refused_cannot_be_approved(lake):
    write(lake.root, "gold.text_pool", [text("t1", judge="refused: promise")])

    with pytest.raises(UsageError) as caught:
        texts.decide(lake, ANN, "t1", is_approved=True)

    assert str(caught.value) == (
        "text_id t1: form checks: passed; judge: refused: promise. Only a text that passed both "
        "can be approved."
    )
    assert texts.counts(lake) == {"refused": 1}


def test_a_failed_change_is_audited_as_failed(lake):
    with (
        pytest.raises(ZeroDivisionError),
        changes.recorded(Location.of(lake.root), ANN, "upload", subject="file"),
    ):
        _ = 1 / 0

    assert audit(lake) == [("upload", "started", "ann"), ("upload", "failed", "ann")]
    assert [r["state"] for r in changes.newest(lake)] == ["failed"]


def test_nothing_is_changed_if_it_cannot_be_audited(lake, monkeypatch):
    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr("app.changes.append", refuse)
    with pytest.raises(OSError, match="disk full"):
        tasks.note(lake, ANN, DONE)

    assert lake.version("silver.task_outcomes") is None


def test_a_table_that_a_command_holds_is_not_written(lake, monkeypatch):
    monkeypatch.setattr("app.writing.TERMS", Terms(lease_seconds=10, wait_seconds=0.2))
    files, holder = lease_files(lake.root), Holder.now("ingest", "run-1")

    with (
        leases(files, [TASK_OUTCOMES.name], holder, terms=Terms(10, 20)),
        pytest.raises(BusyError, match=r"silver\.task_outcomes.*ingest \(run run-1"),
    ):
        tasks.note(lake, ANN, DONE)

    assert lake.version("silver.task_outcomes") is None


def test_the_app_writes_only_the_tables_that_are_declared(lake):
    from contracts.gold_messages import MESSAGES

    with pytest.raises(UsageError) as caught:
        append(Location.of(lake.root), MESSAGES, [])

    assert str(caught.value) == (
        "gold.messages: contracts/writers.py does not let the app write it."
    )


def test_the_commit_says_who_wrote_it(lake):
    tasks.note(lake, ANN, DONE)

    newest = DeltaTable(str(lake.root / "gold" / "app_changes")).history(1)[0]
    assert '"job": "app"' in newest["userMetadata"]
    assert APP_CHANGES.key == ("change_id", "state")


# ---------------------------------------------------------------------- pages


def test_the_form_notes_an_outcome(shown, lake):
    page = shown("campaigns")
    page.selectbox(key="playbook").set_value("plan-2024-06-01")
    (customer,) = [s for s in page.selectbox if s.label == "Customer"]
    customer.set_value("a")
    (button,) = [b for b in page.button if b.label == "Note the outcome"]
    button.click().run()

    assert [s.value for s in page.success] == ["Noted\\: customer a, done."]
    assert tasks.counts(lake, "plan-2024-06-01") == {"done": 1}


def test_the_buttons_approve_a_text(shown, lake):
    write(lake.root, "gold.text_pool", [text("t1")])
    page = shown("campaigns")
    assert "1 waiting. Only an approved text is sent." in paragraphs(page)

    page.button(key="Approve t1").click().run()

    assert texts.counts(lake) == {"approved": 1}


def test_a_viewer_has_no_form_and_no_buttons(shown, lake):
    write(lake.root, "gold.text_pool", [text("t1")])

    assert [b.label for b in shown("campaigns", role="viewer").button] == []
