"""A person's name, e-mail address, phone and texts stand only where a table declares them.

The customer id is no personal value here: it may stand in tables, in statistics of the Delta log, in
the report's list of customers, and in what goes to the company's own receivers. It must not reach
MLflow, the logs, or Claude.
"""

from __future__ import annotations

import json
import re
import stat

import pytest

from contracts.catalog import tables
from models.portable import PortableModel
from pipelines.churn.churn_training import example_of
from tests.wiring.company_files import MARKED, MARKED_ID
from tests.wiring.small_company import LOG
from tests.wiring.stored_texts import found

pytestmark = pytest.mark.spark_only
TABLES = tables()
FACTS = list(MARKED.values())
NAME = MARKED["first name"]
# The summary's list of customers, which the report has too.
LISTED = re.compile(r"^\d+\. customer .*$", re.MULTILINE)


def table_of(path, root):
    """layer.table of a file in a Delta table; None: another file."""
    parts = path.relative_to(root).parts
    is_table = len(parts) > 2 and parts[0] in ("bronze", "silver", "features", "gold")
    return ".".join(parts[:2]) if is_table else None


def may_hold(name):
    """The facts that a table declares: bronze and quarantine keep rows as they came."""
    if name.startswith("bronze.") or name == "silver.quarantine":
        return FACTS
    if name == "gold.messages":  # the greeting
        return [NAME]
    return FACTS if any(c.personal for c in TABLES[name].columns) else []


def test_the_person_went_through_every_step(company, stored):
    """Otherwise the searches below would find nothing whatever the commands did."""
    by_table = {}
    for path, text in stored:
        name = table_of(path, company.root)
        if name and "_delta_log" not in path.parts:
            by_table.setdefault(name, set()).update(found(FACTS, text))
    assert by_table["bronze.members"] == {
        NAME,
        *(MARKED[f] for f in ("surname", "e-mail", "phone")),
    }
    assert by_table["bronze.receipts"] == set(FACTS)
    assert by_table["silver.support_tickets"] == set(FACTS)
    assert by_table["silver.customers"] == {NAME, MARKED["e-mail"]}
    assert by_table["gold.messages"] == {NAME}
    assert by_table["silver.quarantine"] == set(FACTS)
    scored = company.table("gold.customer_scores", f"customer_id LIKE '{MARKED_ID}%'")
    assert len(scored) and set(scored["score_basis"]) >= {"model"}
    outbox = [text for path, text in stored if path.parent.name == "outbox"]
    assert any(NAME in text for text in outbox)


def test_no_fact_is_found_where_no_table_declares_it(company, stored):
    for path, text in stored:
        name = table_of(path, company.root)
        if name is None:
            allowed = [NAME] if path.parent.name == "outbox" else []
        else:
            # No value stays in the transaction log of any table, not even of a personal one.
            allowed = [] if "_delta_log" in path.parts else may_hold(name)
        assert set(found(FACTS, text)) <= set(allowed), path


def test_no_file_of_the_lake_is_readable_by_other_users(company):
    """Neither those of Python nor those of Spark, whose rights Hadoop sets."""
    assert [p for p in company.root.rglob("*") if p.stat().st_mode & stat.S_IRWXO] == []


def test_mlflow_logs_and_claude_do_not_even_get_the_id(company, stored, printed):
    markers = [*FACTS, MARKED_ID]
    tracking = [(p, t) for p, t in stored if p.name == "mlflow.db" or "mlartifacts" in p.parts]
    assert len(tracking) > 20
    assert {str(p): hits for p, t in tracking if (hits := found(markers, t))} == {}
    assert company.noted["claude"] and found(markers, "".join(company.noted["claude"])) == []
    # The line that was refused is named without its values: nobody knows what its columns hold.
    assert "receipts: 1_history.csv: malformed_row, the row has too few or too many" in printed
    assert found(markers, LISTED.sub("", printed)) == []
    assert found(markers, (company.folder / LOG).read_text()) == []


def test_a_mail_has_the_name_and_the_address_and_the_webhook_has_neither(company):
    for address, mail in company.noted["mails"]:
        allowed = {NAME, MARKED["e-mail"]} if MARKED_ID in address else set()
        assert set(found(FACTS, mail.decode())) <= allowed
    bodies = b"".join(body for _, body in company.noted["webhook"]).decode()
    assert bodies and found(FACTS, bodies) == []


def test_examples_of_served_models_are_made_up(company, stored):
    """Every input example is computed from the model alone, without any row."""
    examples = [p for p, _ in stored if p.name == "input_example.json"]
    assert len(examples) >= 4  # churn and lifetime, twice
    for path in examples:
        content = json.loads(path.read_text())
        assert MARKED_ID not in path.read_text()
        portable = (path.parent / "artifacts" / "portable.json").read_text()
        if "churn_pyfunc.py" in {p.name for p in path.parent.iterdir()}:
            made_up = example_of(PortableModel.from_json(portable).encoder)
            assert content["columns"] == list(made_up.columns)
            assert content["data"] == made_up.values.tolist()
