import dataclasses

import pytest

from pipelines.reporting import sentences as say
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, figure

SENTENCES = [
    (
        say.in_short,
        "No customer is known on 2018-01-01: gold.customer_segments has no row of it.",
        # leavers .5 + 1.5 of 5 + 3 scored; at risk 100 + 900 of 4,000 + 1,000
        "5 of 10 known customers are active and 3 silent; of these about 2 (25.0 %) are expected "
        "to leave within 30 days, and with them 1,000 (20.0 %) of the revenue of the last 365 "
        "days.",
    ),
    (
        say.whom_first,
        "Nobody is scored on 2018-01-01, so there is nobody to act on.",
        # 300 + 98 + 97 + ... + 93 = 300 + 573 of 1,000
        "The 7 customers with the most revenue at risk are 87.5 % of those who can still be kept "
        "and hold 87.3 % of it; at risk is churn probability times revenue of the last 365 days.",
    ),
    (
        say.segments,
        "There is no customer to segment on 2018-01-01.",
        "The largest segment is Champions (50.0 % of all customers); the most revenue at risk, "
        "90.0 %, lies with At Risk, 30.0 % of the customers.",
    ),
    (
        say.moves,
        "There is no as_of before 2018-01-01 in gold.customer_segments yet, so no move can be "
        "shown. Score an earlier date, or come back after the next run.",
        # 4 + 3 + 1 + 2 were known before; from one bad group to another is no slip
        "Since 2017-12-02 6 of 10 customers (60.0 %) have changed segment: 3 slipped into At-risk "
        "and Hibernating from a better group, 1 recovered; the largest single move was from "
        "Champions to At Risk (3).",
    ),
    (
        say.model,
        "No model is champion: none was trained, or none beat recency alone. The scores are the "
        "share that left among those silent for as long on past dates (score_basis rule).",
        "Shown one leaver and one stayer of 2017-12-02, a date that it was not trained on, "
        "xgboost gives the leaver the higher risk in 90.0 % of cases, recency_only in 85.0 % and "
        "everyone_stays in 50.0 %. The intervals of xgboost and recency_only do not overlap.",
    ),
    (
        say.drivers,
        "No factor is known: scores by rule and those of new customers have none.",
        "What moves the risk most is days since the last purchase: among the top five factors of "
        "75 % of the customers, and it raises the risk of 50 % of them; then plan.",
    ),
    (
        say.window,
        "No label had matured by 2018-01-01, so returns cannot be counted yet.",
        # 12 / 20 and 4 / 10; 6 / 10 leavers are back by day 60, 1 / 5 by day 90
        "Within 30 days 60 % of those silent for over 30 days and 40 % of those silent for over "
        "90 days buy again. 60 % of those whom a window of 30 days calls leavers are back by day "
        "60 and 20 % of those whom a window of 60 days calls leavers are back by day 90: the "
        "longer window is wrong less often, but knows 30 days later.",
    ),
    (
        say.missed,
        "No earlier as_of has both segments and matured labels, so what RFM misses cannot be "
        "counted. Score a date 30 days before 2018-01-01 to see it.",
        # .8 / 2 and .6 / 6
        "Of 8 customers whom RFM called safe on 2017-12-02 2 (25.0 %) left within 30 days, and of "
        "4 whom it called lost 1 (25.0 %) came back; the scores of that day gave the safe who "
        "left 40.0 % on average, the safe who stayed 10.0 %.",
    ),
    (
        say.about,
        "No ingest has been logged for this lake.",
        "Of 200 rows that 1 source delivered, 190 were kept, 7 (3.50 %) quarantined and 3 were "
        "exact duplicates.",
    ),
]


@pytest.mark.parametrize(("sentence", "missing", "full"), SENTENCES)
def test_a_section_says_what_to_see_or_what_is_missing(sentence, missing, full):
    assert sentence(EMPTY) == missing
    assert sentence(FULL) == full


def test_a_contract_that_ends_needs_no_window_of_silence():
    facts = dataclasses.replace(EMPTY, definition="termination")
    assert say.window(facts) == (
        "Here leaving is the end of a contract (churn.definition: termination), not a silence, so "
        "no window of silence has to be justified."
    )


def test_a_lead_that_may_be_chance_is_called_so():
    rival = figure("rfm_logistic", "all", "roc_auc", 0.88, 0.86, 0.9)
    close = dataclasses.replace(FULL.model, figures=[*FULL.model.figures, rival])
    text = say.model(dataclasses.replace(FULL, model=close))
    assert "rfm_logistic in 88.0 %, recency_only in 85.0 %" in text
    assert text.endswith("The intervals of xgboost and rfm_logistic overlap.")


def test_a_test_date_that_was_trained_on_is_called_so():
    seen = dataclasses.replace(FULL.model, trained_on=("2017-12-02",))
    text = say.model(dataclasses.replace(FULL, model=seen))
    assert "a date that it was trained on" in text


def test_a_longer_window_that_is_no_better_is_called_so():
    row = {"horizon_days": 60, "later_days": 90, "rows": 90, "leavers": 5, "returned": 3}
    same = dataclasses.replace(FULL, returns=[FULL.returns[0], row])
    assert say.window(same).endswith("the longer window is not wrong less often.")


def test_a_figure_without_an_interval_and_one_without_a_value():
    assert say.with_interval(figure("a", "all", "brier", 0.5)) == "0.500"
    assert say.with_interval(figure("a", "all", "brier", None)) == "-"
    assert say.with_interval(figure("a", "all", "lift_at_10", 3.847, 3.5, 4.2)) == (
        "3.85 (3.50 to 4.20)"
    )
    assert say.with_interval(None) == "-"
