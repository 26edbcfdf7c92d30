"""The sentences of the report, as whole texts: without data (EMPTY) and with data (FULL)."""

import dataclasses

import pytest

from pipelines.reporting import contact_texts, model_texts, texts
from tests.unit.pipelines.reporting.report_sample import AS_OF, EMPTY, FULL, figure

SENTENCES = [
    (
        texts.at_a_glance,
        "No customers are known on 2018-01-01: gold.customer_segments has no rows for this date.",
        # Expected to leave: .5 + 1.5 of 5 + 3 scored. At risk: 100 + 900, a quarter of the stake.
        "5 of 10 known customers are active and 3 are silent. About 2 of these (25.0 %) are "
        "expected to leave within 30 days. The value at risk is 1,000, which is 25.0 % of the "
        "value that the active and silent customers have in 12 months.",
    ),
    (
        contact_texts.first_customers,
        "No customer has a churn probability on 2018-01-01, so there is nobody to contact.",
        # 450 of 100 + 900
        "The list holds the customers chosen by the strategy net_value (gold.retention_plan): 9 "
        "customers; the first 7 are shown. They hold 45.0 % of the value at risk of all active and "
        "silent customers. Value at risk is the churn probability times the value of the next 12 "
        "months if the customer stays.",
    ),
    (
        contact_texts.strategies,
        "No plan exists for 2018-01-01, so strategies cannot be compared.",
        # 900 - 600 and 800 - 100
        "What each strategy would have kept one horizon earlier, under the same budget, among the "
        "same customers. After cost, net_value keeps most: 700 (450 to 950).",
    ),
    (
        texts.segments,
        "No customers are known on 2018-01-01, so there are no segments.",
        "The largest segment is Champions with 50.0 % of all customers. The segment with the most "
        "value at risk is At Risk: it has 30.0 % of all customers and 90.0 % of the value at "
        "risk.",
    ),
    (
        texts.moves,
        "gold.customer_segments has no date before 2018-01-01, so moves between segments cannot be "
        "shown yet. Score an earlier date, or wait for the next run.",
        # 4 + 3 + 1 + 2 were known before. A move within the worse groups is not counted as down.
        "Since 2017-12-02, 6 of 10 customers (60.0 %) changed segment. 3 moved from a better group "
        "into At-risk or Hibernating, and 1 moved from these groups into a better one. The largest "
        "move was from Champions to At Risk (3 customers).",
    ),
    (
        model_texts.quality,
        "There is no champion model: no model was trained, or none was better than the days since "
        "the last purchase alone. The scores are therefore past churn rates: the share of "
        "customers with an equally long time since the last purchase who left (score_basis: rule).",
        "Take one customer who left and one who stayed: xgboost gives the customer who left the "
        "higher churn probability in 90.0 % of such pairs, recency_only in 85.0 % and "
        "everyone_stays in 50.0 %. "
        "The test date 2017-12-02 was not used for training. 1 customer: known for too few days "
        "for the model, so the probability is the average of new customers (score_basis: "
        "cold_start).",
    ),
    (
        model_texts.drivers,
        "No risk factors are available. Scores from a rule and scores of new customers have none.",
        # 6 of 8 scored; 3 of these 6.
        "The feature with the largest effect on the churn probability is: days since the last "
        "purchase. It is one of the five most important factors for 75 % of the scored customers, "
        "and it raises the risk of 50 % of these. Next: subscription plan.",
    ),
    (
        texts.churn_window,
        "No past date has a known outcome by 2018-01-01, so returning customers cannot be counted "
        "yet.",
        # 12 / 20 and 4 / 10; 6 of 10 bought again by day 60, 1 of 5 by day 90.
        "Share of customers who buy again within 30 days: 60 % after more than 30 days without a "
        "purchase and 40 % after more than 90 days without a purchase. Of the customers counted as "
        "churned after 30 days, 60 % bought again by day 60. Of the customers counted as churned "
        "after 60 days, 20 % bought again by day 90. The longer period has a lower error rate, but "
        "its result is known 30 days later.",
    ),
    (
        texts.rfm_misses,
        "No earlier date has both segments and known outcomes, so the errors of the RFM segments "
        "cannot be counted. To see them, score a date 30 days before 2018-01-01 or earlier.",
        # .8 / 2 and .6 / 6
        "Of 8 customers in a safe segment on 2017-12-02, 2 (25.0 %) left within 30 days. Of 4 "
        "customers classified as lost, 1 (25.0 %) came back. In the safe segments, the average "
        "churn probability on that date was 40.0 % for customers who left and 10.0 % for customers "
        "who stayed.",
    ),
    (
        texts.about,
        "No data load has been logged for this lakehouse.",
        "1 source delivered 200 rows: 185 were kept, 7 (3.50 %) were quarantined, and 3 were "
        "dropped as exact duplicates. 5 rows were left out by conf.",
    ),
]


@pytest.mark.parametrize(("sentence", "missing", "full"), SENTENCES)
def test_the_sentence_of_a_section_without_and_with_data(sentence, missing, full):
    assert sentence(EMPTY) == missing
    assert sentence(FULL) == full


def test_churn_by_termination_has_no_period_to_check():
    data = dataclasses.replace(EMPTY, definition="termination")
    assert texts.churn_window(data) == (
        "Churn is the end of a contract here (churn.definition: termination). No period without "
        "purchases defines it, so there is nothing to check."
    )


@pytest.mark.parametrize(
    ("definition", "lead_days", "expected"),
    [
        ("inactivity", 0, "no purchase within 30 days"),
        ("inactivity", 14, "no purchase within 30 days, starting 14 days after 2018-01-01"),
        ("termination", 0, "end of the contract within 30 days"),
    ],
)
def test_the_meaning_of_churn_follows_the_definition(definition, lead_days, expected):
    data = dataclasses.replace(EMPTY, definition=definition, lead_days=lead_days)
    assert texts.churn_meaning(data, AS_OF) == expected


def test_known_customers_without_a_score():
    data = dataclasses.replace(EMPTY, lifecycles={"lost": 2})
    assert texts.at_a_glance(data) == (
        "Known customers: 2. None of them has a churn probability, because none is active or "
        "silent."
    )


def gains(name, low, mean="_mean"):
    """The differences of a learner to rfm_logistic; `low`: lower bound of the one in ROC AUC."""
    of = "_against_rfm_logistic" + mean
    return [
        figure(name, "active_90d", f"roc_auc{of}", 0.0107, low, 0.0171),
        figure(name, "active_90d", f"log_loss{of}", -0.0166, -0.0237, -0.0109),
        figure(name, "active_90d", f"lift_at_10{of}", 0.05, -0.19, 0.25),
    ]


DIFFERENCES = (
    "ROC AUC +0.0107 ({low} to +0.0171), log loss (lower is better) -0.0166 (-0.0237 to -0.0109) "
    "and lift in the top 10 % +0.05 (-0.19 to +0.25). "
)


@pytest.mark.parametrize(
    ("champion", "low", "mean", "expected"),
    [
        (
            *("xgboost", 0.0045, "_mean"),
            "On the same active and silent customers, as the mean of the last test dates, xgboost "
            f"differs from rfm_logistic by {DIFFERENCES}xgboost is better beyond chance. ",
        ),
        (
            *("xgboost", -0.0010, ""),
            "On the same active and silent customers, xgboost differs from rfm_logistic by "
            f"{DIFFERENCES}The difference may be due to chance. ",
        ),
        (
            *("rfm_logistic", -0.0010, "_mean"),
            "On the same active and silent customers, as the mean of the last test dates, xgboost "
            f"differs from rfm_logistic by {DIFFERENCES}The difference may be due to chance, so "
            "rfm_logistic, the simpler model, is used. ",
        ),
    ],
)
def test_the_difference_to_rfm_logistic_is_that_of_the_same_customers(
    champion, low, mean, expected
):
    rival = figure("rfm_logistic", "all", "roc_auc", 0.88, 0.86, 0.9)
    figures = [*FULL.model.figures, rival, *gains("xgboost", low, mean)]
    close = dataclasses.replace(FULL.model, name=champion, figures=figures)
    text = model_texts.quality(dataclasses.replace(FULL, model=close))
    assert expected.format(low=f"{low:+.4f}") in text
    assert "overlap" not in text


def test_data_without_signal_have_no_champion_and_say_so():
    data = dataclasses.replace(EMPTY, no_signal="no signal in these data: ROC AUC is undefined")
    assert model_texts.quality(data) == (
        "There is no champion model: no signal in these data: ROC AUC is undefined. The scores are "
        "therefore past churn rates: the share of customers with an equally long time since the "
        "last purchase who left (score_basis: rule)."
    )


def test_a_test_date_that_was_used_for_training_is_reported():
    seen = dataclasses.replace(FULL.model, trained_on=("2017-12-02",))
    text = model_texts.quality(dataclasses.replace(FULL, model=seen))
    assert "The test date 2017-12-02 was also used for training." in text


def test_a_longer_period_that_is_not_better_is_reported():
    row = {"horizon_days": 60, "later_days": 90, "rows": 90, "leavers": 5, "returned": 3}
    same = dataclasses.replace(FULL, returns=[FULL.returns[0], row])
    assert texts.churn_window(same).endswith("The longer period does not have a lower error rate.")


def test_a_metric_without_an_interval_and_without_a_value():
    assert model_texts.with_interval(figure("a", "all", "brier", 0.5)) == "0.500"
    assert model_texts.with_interval(figure("a", "all", "brier", None)) == "-"
    assert model_texts.with_interval(figure("a", "all", "lift_at_10", 3.847, 3.5, 4.2)) == (
        "3.85 (3.50 to 4.20)"
    )
    assert model_texts.with_interval(None) == "-"
