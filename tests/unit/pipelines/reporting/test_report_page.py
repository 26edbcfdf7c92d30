import dataclasses
import re

import pytest

from contracts import catalog
from pipelines.reporting.page import page
from pipelines.reporting.phrases import WINDOWED, WORDS, reason, words
from tests.unit.pipelines.reporting.report_sample import EMPTY, FULL, ORDER, customer


def test_the_same_facts_give_the_same_page():
    assert page(FULL) == page(dataclasses.replace(FULL))


def test_the_page_loads_nothing():
    found = page(FULL)
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', found) == []
    assert "url(" not in found and "<script" not in found


def test_an_id_from_the_data_is_text_and_never_markup():
    found = page(dataclasses.replace(FULL, customers=[customer("<script>\x1b[31m&", 1.0)]))
    assert "&lt;script&gt;?[31m&amp;" in found
    assert "<script" not in found


def test_a_persons_attributes_are_named_without_their_values():
    found = page(FULL)
    assert "age band" in found
    assert "45-54" not in found
    assert reason("region", "Paris") == "region"
    assert reason("never_heard_of", "Paris") == "never heard of"


def test_all_segments_stand_in_the_order_of_conf():
    table = page(FULL).split('id="s3"')[1].split("</table>")[0]
    assert re.findall(r'data-label="Segment">([^<]+)<', table) == [
        name.replace("'", "&#x27;") for name in ORDER
    ]


def test_every_feature_has_words():
    tables = catalog.tables()
    features = {
        c.name
        for name in ("features.behavior", "features.demographics", "features.transactions")
        for c in tables[name].columns
        if c.type != "date" and c.name not in ("customer_id", "is_terminated", "engagement_basis")
    }
    windowed = {f"{stem}_{days}d" for stem in WINDOWED for days in catalog.DEFAULT_WINDOWS}
    assert features - set(WORDS) - windowed == set()
    assert words("products_45d") == ("different products in 45 days", "number")


@pytest.mark.parametrize(
    ("feature", "value", "expected"),
    [
        ("recency_days", "45", "days since the last purchase: 45"),
        ("revenue_90d", "1.234e+04", "revenue in 90 days: 12,340"),
        ("revenue_trend", "-0.5", "revenue of 30 days against the 30 before: -50 %"),
        ("weekend_share", "0.25", "share of purchases at weekends: 25 %"),
        ("recency_over_gap", "2.34", "silence compared with the usual gap: 2.3 times"),
        ("gap_mean_days", None, "usual days between purchases: unknown"),
        ("has_profile", "0", "whether a profile is known: no"),
    ],
)
def test_a_reason_says_the_customers_value(feature, value, expected):
    assert reason(feature, value) == expected


def test_nothing_at_all_still_gives_a_page_with_every_section():
    assert re.findall(r'<section id="s(\d)">', page(EMPTY)) == list("123456789")


def test_scores_of_a_date_that_the_champion_was_trained_on_are_called_so():
    warning = "The champion was trained on this date"
    assert warning not in page(FULL)
    seen = dataclasses.replace(FULL.model, trained_on=("2017-12-02",))
    assert warning in page(dataclasses.replace(FULL, model=seen))


@pytest.mark.parametrize(
    ("start", "end", "colour"),
    [
        ("Champions", "At Risk", "217,119,6"),  # for the worse: orange
        ("Lost", "Champions", "13,148,136"),  # for the better: green
        ("Champions", "Champions", "100,116,139"),
        ("At Risk", "Lost", "217,119,6"),
        ("New customer", "Promising", "100,116,139"),  # came from nowhere
    ],
)
def test_a_move_has_the_colour_of_its_direction(start, end, colour):
    table = page(FULL).split('id="s4"')[1].split("</table>")[0]
    row = table.split(f">{start} (")[1].split("</tr>")[0]
    cell = row.split(f'data-label="{end}">')[1].split("</td>")[0]
    assert f"rgba({colour}," in cell
