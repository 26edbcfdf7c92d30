"""approve_texts: what is listed and shown, who decided and when, and which requests are refused."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.outreach import text_approval
from pipelines.outreach.text_approval import ApprovalOptions
from runtime import settings
from runtime.context import Context
from runtime.errors import UsageError
from runtime.progress import Progress
from runtime.run_info import RunInfo
from tests.unit.pipelines.outreach.test_pipelines import MemoryLake
from tests.unit.transforms.conftest import frame  # noqa: F401

PASSED = {"form_verdict": "passed", "judge_verdict": "passed"}
BRIEF = {"offer_id": "discount_10", "theme": "savings", "tone": "warm", "language": "en"}
POOL = [
    {**BRIEF, **PASSED, "text_id": "aaaaaa1", "text": "A first text."},
    {**BRIEF, **PASSED, "text_id": "aaaaaa2", "text": "A second text.", "language": "de"},
    {**BRIEF, **PASSED, "text_id": "bbbbbb1", "text": "A third text.", "approved": False},
    {**BRIEF, "text_id": "cccccc1", "text": "A bad text.", "form_verdict": "passed",
     "judge_verdict": "refused: threat", "judge_reason": "It threatens."},
]  # fmt: skip


@pytest.fixture
def context(frame):  # noqa: F811
    made = Context(settings.load("demo"), RunInfo("test"), Progress(), engine="duckdb")
    made.__dict__["lake"] = MemoryLake(frame, {"gold.text_pool": POOL})
    return made


def decided(context):
    """text_id: (approved, approved_by, approved_at) of the rows that were written."""
    columns = ("approved", "approved_by", "approved_at")
    rows = [r for w in context.lake.writes for r in w.frame.toArrow().to_pylist()]
    return {r["text_id"]: tuple(r[c] for c in columns) for r in rows}


def test_the_waiting_texts_are_listed(context, capsys):
    text_approval.run(context, ApprovalOptions())
    assert capsys.readouterr().out == (
        "aaaaaa2  waiting   discount_10, de, savings, warm\n    A second text.\n"
        "aaaaaa1  waiting   discount_10, en, savings, warm\n    A first text.\n"
        "      2 texts with status waiting\n"
    )


def test_a_text_is_shown_with_the_reason_of_the_judge(context, capsys):
    text_approval.run(context, ApprovalOptions("show", ["cccccc"]))
    said = capsys.readouterr().out
    assert "judge_reason   It threatens.\n" in said and "status         refused\n" in said


def test_who_approved_a_text_and_when(context):
    at = dt.datetime(2018, 1, 2, 9, 30, tzinfo=dt.UTC)
    text_approval.run(context, ApprovalOptions("approve", ["bbbbbb"], by=" Kim ", at=at))
    assert decided(context) == {"bbbbbb1": (True, "Kim", dt.datetime(2018, 1, 2, 9, 30))}


def test_the_waiting_texts_of_a_language_are_rejected_together(context):
    at = dt.datetime(2018, 1, 2)
    text_approval.run(context, ApprovalOptions("reject", by="Kim", at=at, language="de"))
    assert {k: v[:2] for k, v in decided(context).items()} == {"aaaaaa2": (False, "Kim")}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ApprovalOptions("delete"), "must be one of list, show, approve, reject.$"),
        (ApprovalOptions("aprove"), r"approve, reject. Did you mean approve\?$"),
        (ApprovalOptions(status="new"), "--status new: must be one of"),
        (ApprovalOptions(status="waitng"), r"refused, all. Did you mean waiting\?$"),
        (
            ApprovalOptions(offer="discont_10"),
            r"--offer discont_10: no text has it. Texts have discount_10. Did you mean "
            r"discount_10\?$",
        ),
        (ApprovalOptions(language="fr"), "--language fr: no text has it. Texts have de, en.$"),
        (ApprovalOptions("show", ["aaaaab1"]), r"prints the ids. Did you mean aaaaaa1\?$"),
        (ApprovalOptions("approve", ["aaa"], by="Kim"), "give at least its first 6 digits"),
        (ApprovalOptions("approve", ["aaaaaa1"]), "say who decides, with --by NAME"),
        (ApprovalOptions("approve", ["aaaaaa1"], by=" "), "say who decides, with --by NAME"),
        (ApprovalOptions("reject", by="Kim"), "name text_ids, or choose the waiting texts"),
        (ApprovalOptions("show"), "name one or more text_ids"),
        (ApprovalOptions("approve", ["dddddd"], by="Kim"), "no text has this id.*ids.$"),
        (ApprovalOptions("approve", ["aaaaaa"], by="Kim"), "several texts have this id"),
        (ApprovalOptions("approve", ["cccccc"], by="Kim"), "Only a text that passed both can be"),
    ],
)
def test_wrong_requests_are_refused(context, options, said):
    with pytest.raises(UsageError, match=said):
        text_approval.run(context, options)
    assert context.lake.writes == []
