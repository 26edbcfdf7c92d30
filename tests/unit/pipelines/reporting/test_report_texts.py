"""The sentences of the report, as whole texts: without data (EMPTY) and with data (FULL)."""

import dataclasses

import pytest

from pipelines.reporting import (
    cause_sections,
    contact_sections,
    contact_texts,
    model_texts,
    plan_texts,
    texts,
    trend_sections,
)
from tests.unit.pipelines.reporting.report_sample import AS_OF, EMPTY, FULL, figure

FORM = EMPTY.form
SENTENCES = [
    (
        texts.at_a_glance,
        "No customers are known on 1 Jan 2018: gold.customer_segments has no rows for this date.",
        # Expected to leave: .5 + 1.5 of 5 + 3 scored. At risk: 100 + 900, a quarter of the stake.
        "5 of 10 known customers are active and 3 are silent. About 2 of these (25.0 %) are "
        "expected to leave within 30 days. The value at risk is 1,000, which is 25.0 % of the "
        "value that the active and silent customers have in 12 months.",
    ),
    (
        contact_texts.first_customers,
        "No customer has a churn probability on 1 Jan 2018, so there is nobody to contact.",
        # 450 of 100 + 900
        "The list holds the customers chosen by the strategy net_value (gold.retention_plan): 9 "
        "customers; the first 7 are shown. They hold 45.0 % of the value at risk of all active and "
        "silent customers. Value at risk is the churn probability times the value of the next 12 "
        "months if the customer stays.",
    ),
    (
        texts.segments,
        "No customers are known on 1 Jan 2018, so there are no segments.",
        "The largest segment is Champions with 50.0 % of all customers. The segment with the most "
        "value at risk is At Risk: it has 30.0 % of all customers and 90.0 % of the value at "
        "risk.",
    ),
    (
        texts.moves,
        "gold.customer_segments has no date before 1 Jan 2018, so moves between segments cannot be "
        "shown yet. Score an earlier date, or wait for the next run.",
        # 4 + 3 + 1 + 2 were known before. A move within the worse groups is not counted as down.
        "Since 2 Dec 2017, 6 of 10 customers (60.0 %) changed segment. 3 moved from a better group "
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
        "The test date 2 Dec 2017 was not used for training. 1 customer: known for too few days "
        "for the model, so the probability is the average of new customers (score_basis: "
        "cold_start).",
    ),
    (
        model_texts.drivers,
        "No risk factors are available. Scores from a rule and scores of new customers have none.",
        # 4 of 4 + 1; 3 of the 6 customers.
        "The feature with the largest effect on the churn probability is: days since the last "
        "purchase (80 % of the effect). Where it is one of a customer's five strongest factors, it "
        "raises the risk in 50 % of the cases. Next: subscription plan.",
    ),
    (
        texts.churn_window,
        "No past date has a known outcome by 1 Jan 2018, so returning customers cannot be counted "
        "yet.",
        # 12 / 20 and 4 / 10; 6 of 10 bought again by day 60, 7 by day 90, 1 of 5 by day 90.
        "Share of customers who buy again within 30 days: 60 % after more than 30 days without a "
        "purchase and 40 % after more than 90 days without a purchase. Of the customers counted as "
        "churned after 30 days, 60 % bought again by day 60. Of the customers counted as churned "
        "after 30 days, 70 % bought again by day 90. Of the customers counted as churned after 60 "
        "days, 20 % bought again by day 90. The longer period has a lower error rate, but its "
        "result is known 30 days later.",
    ),
    (
        texts.rfm_misses,
        "No earlier date has both segments and known outcomes, so the errors of the RFM segments "
        "cannot be counted. To see them, score a date 30 days before 1 Jan 2018 or earlier.",
        # .8 / 2 and .6 / 6
        "Of 8 customers in a safe segment on 2 Dec 2017, 2 (25.0 %) left within 30 days. Of 4 "
        "customers classified as lost, 1 (25.0 %) came back. In the safe segments, the average "
        "churn probability on that date was 40.0 % for customers who left and 10.0 % for customers "
        "who stayed.",
    ),
    (
        contact_texts.contacts,
        "No customer has a churn probability on 1 Jan 2018, so there is nobody to contact.",
        "Contact 9 customers from 2 Jan 2018 to 31 Jan 2018. Their offers cost 60.00 and are "
        "expected to keep 90.00 of the purchases of the next 12 months: 30.00 after cost.",
    ),
    (
        plan_texts.plan,
        "No plan exists for 1 Jan 2018, so strategies cannot be compared.",
        # 800 - 100
        "The budget of a plan is 20 % of the active and silent customers. In a test one period "
        "earlier the plan's strategy, highest gain after cost first, kept 700 after cost (95 % "
        "interval 450 to 950). The next 1 % of the budget would cost 12.00 and keep another 30.00.",
    ),
    (
        trend_sections.change_sentence,
        "No customer is scored on 1 Jan 2018, so nothing is compared.",
        # 2 / 8 against 2 / 10
        "25.0 % of the active and silent customers are expected to leave within 30 days. The "
        "share is 5.0 percentage points higher than on 2 Dec 2017.",
    ),
    (
        trend_sections.leaving_sentence,
        "A customer who buys nothing for 30 days has left for that time, but may come back. How "
        "many do is not known yet.",
        # 7 / 10, and .7 * 1,000
        "Who buys nothing for 30 days is often not gone: 70 of 100 such customers bought again by "
        "day 90. So the value at risk of 1,000 is not a loss: about 700 of it belongs to customers "
        "who come back by then, if they are like those of the past.",
    ),
    (
        texts.value,
        "No customer is scored on 1 Jan 2018, so nothing is known.",
        # 4,000 + 800
        "The expected value of the 8 active or silent customers over the next 12 months is 4,800. "
        "3 of them are overdue: they have been silent for unusually long, by their own rhythm.",
    ),
    (
        cause_sections.causes_sentence,
        "No risk factors are available. Scores from a rule and scores of new customers have none.",
        # 4 / 5
        "The differences between customers at high and at low risk come mostly from one thing: how "
        "long they have been silent (80 % of the effect). Next come who they are (profile and "
        "contract).",
    ),
    (
        cause_sections.trust_sentence,
        "There is no champion model: no model was trained, or none was better than the days since "
        "the last purchase alone. The scores are therefore past churn rates: the share of "
        "customers with an equally long time since the last purchase who left (score_basis: rule).",
        # .8 of .8 + .4 + 8 * .1 = 2
        "Call the 10 % of the customers with the highest risk, and you reach 40 of 100 leavers. "
        "Calling customers at random reaches 10 of 100. Measured on 2 Dec 2017, which was not used "
        "for training.",
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
        ("inactivity", 14, "no purchase within 30 days, starting 14 days after 1 Jan 2018"),
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
    assert "The test date 2 Dec 2017 was also used for training." in text


def test_a_longer_period_that_is_not_better_is_reported():
    row = {"horizon_days": 60, "later_days": 90, "rows": 90, "leavers": 5, "returned": 3}
    same = dataclasses.replace(FULL, returns=[FULL.returns[0], row])
    assert texts.churn_window(same).endswith("The longer period does not have a lower error rate.")


def test_a_metric_without_an_interval_and_without_a_value():
    shown = model_texts.value_and_interval
    assert shown(FORM, figure("a", "all", "brier", 0.5)) == ("0.500", ())
    assert shown(FORM, figure("a", "all", "brier", None)) == ("-", ())
    lift = figure("a", "all", "lift_at_10", 3.847, 3.5, 4.2)
    assert shown(FORM, lift) == ("3.85", ("3.50", "4.20"))
    assert shown(FORM, None) == ("-", ())


def test_the_totals_of_the_list_are_its_cards():
    report = FULL.report.model_copy(update={"locale": "de", "currency": "EUR"})
    data = dataclasses.replace(FULL, report=report)
    assert [card[:2] for card in contact_sections.contacts(data)["cards"]] == [
        ("Customers to contact", "9"),
        ("Customers kept", "about 2"),
        ("Cost of the offers", "60,00 €"),
        ("Value kept", "90,00 €"),
    ]


def test_keeping_is_compared_with_winning_where_conf_gives_its_cost():
    # 60 / 1.5
    assert contact_texts.keeping_and_acquiring(FULL) == "Keeping one customer costs about 40.00."
    report = FULL.report.model_copy(update={"acquisition_cost": 75.0})
    assert contact_texts.keeping_and_acquiring(dataclasses.replace(FULL, report=report)) == (
        "Keeping one customer costs about 40.00. Winning a new one costs 75.00."
    )
    assert contact_texts.keeping_and_acquiring(EMPTY) == ""


@pytest.mark.parametrize(
    ("name", "value", "change", "verdict"),
    [
        ("Active customers", "5", "-1", "worse"),
        ("Silent customers", "3", "no change", ""),
        ("Lost customers", "2", "+1", "worse"),
        ("Expected to leave", "25.0 %", "+5.0 points", "worse"),
        ("Value at risk", "1,000", "-200", "better"),
    ],
)
def test_a_key_figure_is_compared_with_the_last_scored_date(name, value, change, verdict):
    (card,) = [c for c in trend_sections.change(FULL)["cards"] if c["title"] == name]
    assert card == {"title": name, "value": value, "change": change, "verdict": verdict}


def test_the_first_scored_date_has_nothing_to_compare_with():
    first = dataclasses.replace(FULL, trend=FULL.trend[2:])
    assert trend_sections.change_sentence(first) == (
        "25.0 % of the active and silent customers are expected to leave within 30 days. No "
        "earlier date is scored, so there is nothing to compare with yet."
    )
    assert {c["change"] for c in trend_sections.change(first)["cards"]} == {""}
    assert trend_sections.change(first)["chart"] is None


def test_both_meanings_of_leaving_stand_side_by_side():
    assert trend_sections.leaving(FULL)["rows"] == [
        (
            "Meaning",
            "no purchase within 30 days",
            "no purchase for 91 days: the customer is lost",
        ),
        (
            "Used for",
            "the risk of each customer, and so the list to contact",
            "the likely churn date, the days that a customer stays, the number of lost customers",
        ),
        (
            "Expected in the next 30 days",
            "about 2 customers of 8",
            "about 1 customer within 30 days, 1 within 90 days",
        ),
        (
            "How many come back",
            "60 of 100 by day 60, 70 of 100 by day 90",
            "40 of 100 buy again within the next 30 days",
        ),
    ]
    contract = dataclasses.replace(FULL, definition="termination")
    assert trend_sections.leaving(contract) is None
    assert trend_sections.leaving_sentence(contract) == (
        "A customer leaves when the contract ends (churn.definition: termination). There is no "
        "second meaning."
    )


def test_the_confusion_matrix_is_told_in_words():
    assert cause_sections.trust(FULL)["outcomes"] == [
        (
            *("would leave", "left: the warning was right", "3"),
            "75 of 100 such predictions",
        ),
        (
            *("would leave", "stayed: the offer was not needed", "1"),
            "25 of 100 such predictions",
        ),
        ("would stay", "left: the model missed them", "1", "17 of 100 such predictions"),
        ("would stay", "stayed: rightly left alone", "5", "83 of 100 such predictions"),
    ]


def test_the_list_is_compared_with_a_random_choice():
    chart = cause_sections.trust(FULL)["chart"]
    assert [(label, [text for text, _ in bars]) for label, bars in chart["groups"]] == [
        ("the 10 % with the highest risk", ["40 of 100", "10 of 100"]),
        ("the 20 % with the highest risk", ["60 of 100", "20 of 100"]),
        ("the 30 % with the highest risk", ["65 of 100", "30 of 100"]),
        ("the 50 % with the highest risk", ["75 of 100", "50 of 100"]),
    ]


def test_reasons_that_no_model_gave_are_left_out():
    assert [(r["reason"], r["customers"]) for r in cause_sections.causes(FULL)["reasons"]] == [
        ("Unknown: they buy less, but nothing says why", "4"),
        ("Price", "3"),
    ]


def test_a_company_without_amounts_still_sees_who_is_overdue():
    values = [row | {"valued": 0, "clv_12m": None} for row in FULL.values]
    data = dataclasses.replace(FULL, values=values)
    assert texts.value(data) == (
        "The value of the 8 active or silent customers is not known. 3 of them are overdue: they "
        "have been silent for unusually long, by their own rhythm."
    )
    figures = contact_sections.value(data)
    assert [card[:2] for card in figures["cards"]] == [
        ("Buy again within 30 days", "5"),
        ("Overdue", "3"),
    ]
    assert figures["chart"] is None
