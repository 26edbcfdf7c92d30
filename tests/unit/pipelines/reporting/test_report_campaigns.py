"""The report's section on campaigns: sentence and table, with and without results."""

from __future__ import annotations

import dataclasses
import re

import pytest

from models.campaign_pooling import PooledEffect
from pipelines.reporting import campaign_texts, detail_sections
from pipelines.reporting.report_page import DETAILS_FILE, page
from tests.unit.pipelines.reporting.report_sample import EMPTY


def row(policy, campaign, offer, treated, effect, reach):
    return {
        "policy": policy,
        "campaign_id": campaign,
        "offer_id": offer,
        "metric": "conversion",
        "treated": treated,
        "effect": effect,
        "ci_low": effect - reach,
        "ci_high": effect + reach,
        "month": "2017-12" if policy == "personalised" else "2017-11",
        "held_out": 20,
        "p_value": 0.04,
        "srm_p_value": None if policy == "mass" else 0.0086,
    }


@pytest.fixture
def measured():
    """Mass: (100 * .02 + 300 * .06) / 400 = .05, plus or minus .025: test_campaign_pooling.py.
    The difference .1 - .05 has plus or minus sqrt(.06^2 + .025^2) = .065."""
    rows = [
        row("mass", "t1", "a", 100, 0.02, 0.04),
        row("mass", "t1", "b", 100, 0.06, 0.04),
        row("mass", "t2", "a", 200, 0.06, 0.03),
        row("personalised", "plan", "a", 50, 0.1, 0.06),
    ]
    return dataclasses.replace(EMPTY, campaigns=rows)


def test_the_sentence_gives_both_policies_and_their_difference(measured):
    assert campaign_texts.campaigns(measured) == (
        "Additional buyers per 100 customers contacted, compared with a random control group. "
        "Personalised offers: 10.00 (95 % interval 4.00 to 16.00). "
        "Mass mailing: 5.00 (95 % interval 2.50 to 7.50). "
        "Personalised minus mass: 5.00 (95 % interval -1.50 to 11.50). "
        "Do not trust the effect of plan: the numbers of contacted and held-out customers do not "
        "fit the intended shares (p below 0.01), so chance alone did not assign them."
    )


def test_the_table_has_a_row_per_policy_and_their_difference(measured):
    table = page(measured).split('id="campaigns"')[1].split("</table>")[0]
    rows = [re.findall(r"<div>([^<]*)<", line) for line in table.split("<tr>")[2:]]
    measure = "Additional buyers per 100 customers contacted"
    assert rows == [
        ["Personalised offers", measure, "1", "50", "10.00", "4.00 to 16.00", "works"],
        ["Mass mailing", measure, "2", "400", "5.00", "2.50 to 7.50", "works"],
        ["Personalised minus mass", measure, "3", "450", "5.00", "-1.50 to 11.50", "not proven"],
    ]


def test_a_policy_without_a_control_group_is_named():
    data = dataclasses.replace(EMPTY, campaigns=[row("mass", "t1", "a", 100, 0.02, 0.04)])
    assert campaign_texts.campaigns(data) == (
        "Additional buyers per 100 customers contacted, compared with a random control group. "
        "Personalised offers: no result yet, because no offer has both contacted customers and a "
        "control group. Mass mailing: 2.00 (95 % interval -2.00 to 6.00)."
    )


def test_without_a_measured_campaign_the_section_says_so():
    assert campaign_texts.campaigns(EMPTY) == (
        "No campaign with a random control group has a complete measurement period yet."
    )
    assert detail_sections.campaigns(EMPTY) is None


def test_each_campaign_has_its_effect_interval_and_p_value_the_newest_first(measured):
    html = page(measured, DETAILS_FILE)
    table = html.split('id="campaign_results"')[1].split("</table>")[0]
    rows = [re.findall(r"<div>([^<]*)<", line) for line in table.split("<tr>")[2:]]
    measure = "Additional buyers per 100 customers contacted"
    assert rows == [
        [
            *("plan", "a", "2017-12", measure, "50", "20"),
            *("10.00", "4.00 to 16.00", "0.040", "0.009"),
        ],
        [*("t1", "a", "2017-11", measure, "100", "20"), *("2.00", "-2.00 to 6.00", "0.040", "-")],
        [*("t1", "b", "2017-11", measure, "100", "20"), *("6.00", "2.00 to 10.00", "0.040", "-")],
        [*("t2", "a", "2017-11", measure, "200", "20"), *("6.00", "3.00 to 9.00", "0.040", "-")],
    ]


def test_arms_of_other_sizes_than_intended_are_named(measured):
    """p of plan is .0086, below .01; the intended sizes of t1 and t2 are unknown."""
    assert "the effect of plan:" in campaign_texts.mismatches(measured)
    fits = [{**r, "srm_p_value": 0.01} for r in measured.campaigns]
    assert campaign_texts.mismatches(dataclasses.replace(measured, campaigns=fits)) == ""


@pytest.mark.parametrize(
    ("policy", "effect", "expected"),
    [
        ("mass", 0.05, "works"),
        ("mass", 0.04, "not proven"),  # its interval begins at 0
        ("mass", -0.05, "does harm"),
        ("personalised minus mass", 0.05, "personalised is better"),
        ("personalised minus mass", -0.05, "mass is better"),
    ],
)
def test_the_interval_decides_the_verdict(policy, effect, expected):
    ends = {"ci_low": effect - 0.04, "ci_high": effect + 0.04}
    pooled = PooledEffect(policy, "conversion", 1, 100, effect=effect, **ends)
    assert campaign_texts.verdict(pooled) == expected
