"""No secret of the settings is found in anything that the commands leave, print or log."""

from __future__ import annotations

import hashlib
import hmac
import re

import pytest

from tests.wiring import secret_values
from tests.wiring.small_company import LOG
from tests.wiring.stored_texts import found

pytestmark = pytest.mark.spark_only


def test_each_secret_was_used(company):
    """Otherwise the search below would find nothing whatever the commands did."""
    secrets = secret_values.VARIABLES
    assert company.noted["claude"]  # no request is made without a key
    assert {p for _, p in company.noted["logins"]} == {secrets["HOLDFAST_SMTP_PASSWORD"]}
    headers, body = company.noted["webhook"][0]
    at, digest = re.fullmatch(r"t=(\d+),v1=(\w+)", headers["Holdfast-Signature"]).groups()
    key = secrets["HOLDFAST_WEBHOOK_SECRET"].encode()
    assert hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest() == digest
    visits = company.table("silver.engagement_events", "source = 'old_visits'")
    assert sorted(visits["event_id"]) == ["old4", "old5"] and set(visits["kind"]) == {"login"}


def test_no_marker_is_found_in_a_file(company, stored):
    """Delta tables and logs, MLflow's store and artifacts, report, outbox and journals."""
    assert {p.name for p, _ in stored} >= {"mlflow.db", "config.json", "report.html"}
    leaks = {str(p): hits for p, text in stored if (hits := found(secret_values.MARKERS, text))}
    assert leaks == {}
    # No served model asks its host for a secret.
    assert "environment_variables.txt" not in {p.name for p, _ in stored}


def test_no_marker_is_printed_logged_or_sent(company, printed):
    assert "ingest" in printed
    assert found(secret_values.MARKERS, printed) == []
    log = (company.folder / LOG).read_text()
    assert log and found(secret_values.MARKERS, log) == []
    sent = [*company.noted["claude"], *(b.decode() for _, b in company.noted["webhook"])]
    sent += [mail.decode() for _, mail in company.noted["mails"]]
    assert found(secret_values.MARKERS, "".join(sent)) == []
