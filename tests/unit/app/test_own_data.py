"""The page of uploads: its steps, the choice of columns, and the quality report."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from streamlit.testing.v1 import AppTest

from app.lake import Lake
from app.screens.own_data_results import rejected_csv
from app.uploads.folder import stored
from runtime.settings import load
from tests.unit.app.conftest import paragraphs, title_of
from tests.unit.app.small_lake_folder import write, write_company

# An older upload would be deleted.
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
COLUMN = {"expression": "x", "confidence": 1.0, "doubts": []}
GUESS = {
    "headers": {"kunde": "Kunde", "nr": "Nr.", "tag": "Tag", "betrag": "Betrag", "x": "X"},
    "roles": {"customer_id": "kunde", "order_id": "nr", "purchased_at": "tag", "amount": "betrag"},
    "mapping": {
        "customer_id": COLUMN | {"source": "kunde", "samples": ["A***", "B***"]},
        "purchased_at": COLUMN
        | {"source": "tag", "samples": ["1.5.24"], "doubts": ["The times have no zone."]},
    },
    "unused": {"x": ["1"]},
    "currency": "EUR",
    "left_out": [{"reason": "as a total", "rows": 1, "example": "Summe"}],
    "notes": ["Returns: 2 lines of the sample."],
    "doubts": ["A doubt about the file."],
}
CHECKED = "orders: 1 file, 60 rows in = 60 kept + 0 quarantined\n"


def _script(root, upload_id, role):
    from app.identity import User
    from app.screens import own_data
    from app.uploads.folder import Upload, uploads_folder
    from runtime.settings import load

    settings = load("demo", lakehouse={"root": root})
    upload = Upload(uploads_folder(settings) / upload_id) if upload_id else None
    own_data.show(settings, User("ann", role), upload)


@pytest.fixture
def settings(tmp_path):
    return load("demo", lakehouse={"root": str(tmp_path / "lake")})


@pytest.fixture
def upload(settings):
    """A file whose columns were guessed and whose sample was checked."""
    made = stored(settings, "ann", "orders.csv", content=io.BytesIO(b"a;b\n"), now=NOW)
    made.write("guess.json", GUESS)
    made.write("state.json", {"step": "look", "name": "done"})
    (made.folder / "log-look.txt").write_text(f"kind: text\n{CHECKED}", encoding="utf-8")
    return made


@pytest.fixture
def shown(settings):
    """A function that runs the page."""

    def run(upload=None, role="editor"):
        arguments = (str(settings.root), upload.id if upload else "", role)
        test = AppTest.from_function(_script, default_timeout=60, args=arguments).run()
        assert [e.message for e in test.exception] == []
        return test

    return run


def labels(test):
    return [button.label.replace("\\", "") for button in test.button]


def test_a_viewer_cannot_upload(shown):
    page = shown(role="viewer")

    assert page.caption[0].value == "Only editors upload files. Ask for the role of an editor."
    assert labels(page) == []


def test_earlier_uploads_are_listed(shown, upload):
    assert labels(shown()) == [f"orders.csv, {NOW:%m-%d %H:%M}, {upload.id[:4]}"]


def test_the_guessed_columns_are_shown_with_samples_and_doubts(shown, upload):
    page = shown(upload)

    chosen = {box.label: box.value for box in page.selectbox}
    assert chosen["Customer"] == "kunde"
    assert chosen["Article"] == "(none)"
    assert chosen["ISO code"] == "EUR"
    captions = [c.value.replace("\\", "") for c in page.caption]
    assert "A*** | B***" in captions
    told = paragraphs(page)
    assert "- Day of purchase: The times have no zone." in told
    assert "Returns: 2 lines of the sample." in told
    assert page.code[0].value == CHECKED.strip()
    assert labels(page)[0] == "The columns are right: load all rows"


def test_a_changed_column_is_checked_again_before_the_load(shown, upload, monkeypatch):
    started = []
    monkeypatch.setattr("app.uploads.steps.start", lambda u, step, s: started.append(step))
    page = shown(upload)

    next(box for box in page.selectbox if box.label == "Article").set_value("x").run()
    assert "The columns are right: load all rows" not in labels(page)
    next(b for b in page.button if b.label == "Check with these columns").click().run()

    assert started == ["look"]
    assert upload.read("choice.json") == {"columns": {"product_id": "x"}, "currency": "EUR"}


def test_a_required_column_is_asked_for(shown, upload):
    page = shown(upload)
    next(box for box in page.selectbox if box.label == "Order").set_value("(none)").run()

    assert [w.value for w in page.warning] == ["Choose a column for: Order."]
    assert labels(page) == ["Upload another file", "Delete this upload"]


def test_a_column_has_one_meaning(shown, upload):
    page = shown(upload)
    next(box for box in page.selectbox if box.label == "Order").set_value("kunde").run()

    told = [w.value.replace("\\", "") for w in page.warning]
    assert told == ["A column can have one meaning only: kunde."]


def test_the_load_is_audited(shown, upload, settings, monkeypatch):
    monkeypatch.setattr("app.uploads.steps.start", lambda *_: None)

    shown(upload).button[0].click().run()

    rows = Lake(settings.root).rows("SELECT * FROM {gold.app_changes} ORDER BY state")
    assert [(r["action"], r["state"], r["subject"]) for r in rows] == [
        ("load", "done", upload.id),
        ("load", "started", upload.id),
    ]


def loaded(upload, rejected, rows_in=20):
    """Write what ingest writes for an upload."""
    log = {
        "source": "orders",
        "batch_id": "b",
        "file": "upload.csv",
        "known_at": NOW,
        "rows_in": rows_in,
        "rows_kept": rows_in - len(rejected) - 3,
        "rows_quarantined": len(rejected),
        "rows_duplicate": 1,
        "rows_left_out": 2,
    }
    write(upload.root, "bronze.ingest_log", [log])
    quarantine = [
        {
            "source": "orders",
            "batch_id": "b",
            "row_id": str(n),
            "row": json.dumps(row),
            "reasons": reasons,
            "known_at": NOW,
            "is_replayed": False,
        }
        for n, (row, reasons) in enumerate(rejected)
    ]
    if quarantine:
        write(upload.root, "silver.quarantine", quarantine)
    upload.write("state.json", {"step": "load", "name": "done"})


REJECTED = [
    ({"kunde": "=1+1", "betrag": "-"}, "amount_type, order_id_not_null"),
    ({"kunde": "b", "betrag": "x"}, "amount_type"),
]


def test_the_quality_report_counts_rows_and_reasons(shown, upload):
    loaded(upload, REJECTED)

    page = shown(upload)

    assert {m.label: m.value for m in page.metric} == {
        "Rows in the file": "20",
        "Kept": "15",  # 20 - 2 - 1 - 2
        "Rejected": "2",
        "Left out or duplicate": "3",
    }
    assert page.table[0].value["Rows"].tolist() == ["2", "1"]
    assert [w.value.replace("\\", "") for w in page.warning] == [
        "10.0 % of the rows were rejected, more than 5 %. Look at the reasons first: often a column was chosen wrongly."
    ]
    assert "Score with the present model" in labels(page)


def test_the_rejected_rows_hold_no_formula(upload):
    loaded(upload, REJECTED)

    rows = [*csv.reader(io.StringIO(rejected_csv(Lake(upload.root), "en").decode("utf-8-sig")))]

    assert rows == [
        ["reasons", "kunde", "betrag"],
        ["amount_type, order_id_not_null", "'=1+1", "'-"],
        ["amount_type", "b", "x"],
    ]


def test_without_a_model_the_present_one_cannot_be_chosen(shown, upload):
    loaded(upload, [])

    page = shown(upload)

    button = next(b for b in page.button if b.label == "Score with the present model")
    assert button.disabled
    assert "No row was rejected." in paragraphs(page)


def test_a_failed_step_says_why_and_can_be_repeated(shown, upload):
    upload.write(
        "state.json", {"step": "train", "name": "failed", "message": "There is *no* date."}
    )

    page = shown(upload)

    assert title_of(page).startswith("Training a model on your data")
    assert [e.value.replace("\\", "") for e in page.error] == ["There is *no* date."]
    assert labels(page)[0] == "Start the step again"


def test_the_results_name_the_list(shown, upload):
    loaded(upload, [])
    write_company(upload.root)
    upload.write("state.json", {"step": "train", "name": "done"})
    (upload.conf / "upload.yaml").write_text("currency: USD\n", encoding="utf-8")

    page = shown(upload)

    assert page.subheader[0].value.replace("\\", "") == "1 customer to contact, $500 at risk"
    assert any("Scores of 1 Jun 2024" in text for text in paragraphs(page))
    assert page.table[0].value.iloc[0].to_dict() == {
        "Keep": "\\$100",
        "What to send": "10% off your next order",
        "Send on": "2 Jun 2024",
        "Why they may leave": "no purchase for 45 days",
    }
