"""The last lines of a run, as whole texts."""

import dataclasses

import pytest

from pipelines.reporting.result_lines import COLUMNS, MOST_LINES, result_lines, shown
from runtime.files import Location
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, figure, strategy


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Location.of(tmp_path / "lakehouse-acme")


def test_the_result_says_whom_to_contact_what_it_brings_and_what_to_do_next(root):
    # 90 - 60 after cost; 0.8 of 2 leavers are in the riskiest tenth.
    assert result_lines(FULL, root, "7 min 14 s") == [
        "Result of demo as of 1 Jan 2018, after 7 min 14 s:",
        "Contact 9 customers from 2 Jan 2018 to 31 Jan 2018. Their offers cost 60.00 and are "
        "expected to keep 90.00 of",
        "the purchases of the next 12 months: 30.00 after cost.",
        "In a test one period earlier the plan's strategy, highest gain after cost first, kept 700 "
        "after cost (95 %",
        "interval 450 to 950).",
        "Call the 10 % of the customers with the highest risk, and you reach 40 of 100 leavers. "
        "Calling customers at",
        "random reaches 10 of 100. Measured on 2 Dec 2017, which was not used for training.",
        "The effect of the offers is assumed in conf, not measured.",
        "List: lakehouse-acme/report-contacts.csv, all customers to contact.",
        "Next: open lakehouse-acme/report.html in a browser. Model and data: report-details.html.",
    ]


def test_the_result_of_an_empty_lake_has_no_list(root):
    lines = result_lines(EMPTY, root, "9 s")
    assert lines[1] == (
        "No customer has a churn probability on 1 Jan 2018, so there is nobody to contact."
    )
    assert [line[:5] for line in lines] == ["Resul", "No cu", "There", "alone", "last ", "Next:"]


def test_the_longest_result_has_at_most_twelve_lines(root):
    """All customers are held back, a random choice was tested, and the model was compared."""
    gain = figure("xgboost", "active_90d", "roc_auc_against_rfm_logistic_mean", 0.01, 0.005, 0.02)
    model = dataclasses.replace(FULL.model, figures=[*FULL.model.figures, gain])
    strategies = [*FULL.strategies, strategy("random", 9, 500.0, 100.0)]
    data = dataclasses.replace(FULL, listed_without_consent=9, model=model, strategies=strategies)
    lines = result_lines(data, root, "7 min 14 s")
    assert "9 of these 9 are held back from delivery, because their consent is unknown." in lines
    assert (
        "Compared with the simple model rfm_logistic: xgboost is better beyond chance. The effect "
        "of the offers is" in lines
    )
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= COLUMNS


def test_a_path_inside_the_working_folder_is_shown_relative_to_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert shown(Location.of(tmp_path / "lakehouse" / "report.html")) == "lakehouse/report.html"
    assert shown(Location.of(tmp_path.parent / "report.html")) == str(
        tmp_path.parent / "report.html"
    )
