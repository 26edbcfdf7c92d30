"""What measure_campaigns prints, sentence by sentence."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.offers import campaign_screen as screen
from pipelines.offers.campaign_measurement import say_effects
from runtime.progress import Progress
from runtime.settings import load


def result(**changes):
    """A row of gold.campaign_results."""
    return {
        **{"campaign_id": "spring", "policy": "mass", "offer_id": "ten", "segment": "all"},
        **{"month": "2025-03", "metric": "conversion", "treated": 44_700, "held_out": 45_489},
        **{"value_treated": 0.1902, "value_held_out": 0.182, "effect": 0.0082, "ci_low": 0.003},
        **{
            "ci_high": 0.0133,
            "p_value": 0.0016,
            "p_value_corrected": 0.0016,
            "srm_p_value": 0.0086,
        },
        **changes,
    }


REVENUE = {
    **{"metric": "retained_revenue", "value_treated": 1_234.5, "value_held_out": 1_200.0},
    **{"effect": 34.5, "ci_low": -10.25, "ci_high": 79.25, "p_value_corrected": 0.131},
}


def test_effect_interval_and_p_value_are_on_the_screen():
    rows = [result(), result(**REVENUE), result(segment="Champions")]
    assert list(screen.effect_lines(rows)) == [
        "spring ten (2025-03): 44,700 sent, 45,489 held out; sample ratio p = 0.0086",
        "  conversion 19.0 % against 18.2 %: +0.8 percentage points (+0.3 to +1.3), p = 0.0016",
        "  revenue per customer 1,234.50 against 1,200.00: +34.50 (-10.25 to +79.25), p = 0.13",
    ]


def test_the_newest_campaigns_come_first_and_the_others_are_counted():
    months = [f"{2020 + n // 12}-{n % 12 + 1:02d}" for n in range(screen.MOST_SHOWN + 3)]
    lines = list(screen.effect_lines([result(month=month) for month in months]))
    titles = [line.split("(")[1][:7] for line in lines if line.startswith("spring")]
    assert titles == months[:2:-1]
    assert lines[-1] == "and 3 more in gold.campaign_results"


def test_sizes_that_differ_from_the_plan_are_a_warning():
    assert list(screen.mismatches([result(srm_p_value=0.01)], 0.01)) == []
    assert list(screen.mismatches([result(srm_p_value=None)], 0.01)) == []
    assert list(screen.mismatches([result(), result(**REVENUE)], 0.01)) == [
        "spring ten (2025-03): sample ratio mismatch. 44,700 customers were sent the offer and "
        "45,489 held out, which differs from the intended share (p = 0.0086, below "
        "measurement.mismatch_p_value = 0.01). Do not use the effect before you know which "
        "customers are missing from one of the groups."
    ]


def test_campaigns_without_an_intended_share_are_named():
    rows = [result(), result(campaign_id="summer", srm_p_value=None)]
    assert screen.untested(rows) == (
        "No sample-ratio test for summer: state the share of customers who were meant to get an "
        "offer in measurement.campaigns."
    )
    assert screen.untested(rows[:1]) is None


def test_a_campaign_of_conf_without_contacts_is_named():
    assert screen.not_measured(["spring", "sprng", "trial-*"], ["spring", "fall"]) == (
        "measurement.campaigns: no campaign with a random control group is called sprng or trial-*. "
        "Use the campaign_id of silver.campaign_contacts, or a pattern."
    )
    assert screen.not_measured(["spring", "f*"], ["spring", "fall"]) is None


def test_the_limit_of_conf_decides_about_the_warning(capsys):
    for limit, is_told in ((0.01, True), (0.001, False)):
        settings = load("demo", measurement={"mismatch_p_value": limit})
        context = SimpleNamespace(
            settings=settings, as_of=dt.date(2025, 6, 1), progress=Progress(is_quiet=False)
        )
        say_effects(context, [result()])
        printed = capsys.readouterr()
        assert ("sample ratio mismatch" in printed.out + printed.err) == is_told


@pytest.mark.parametrize("share", [0, 1])
def test_an_intended_share_leaves_both_groups_some_customers(share):
    with pytest.raises(Exception, match=r"measurement.campaigns.7.intended_share"):
        load("demo", measurement={"campaigns": {7: {"intended_share": share}}})


def test_campaign_ids_that_are_numbers_are_texts():
    settings = load("demo", measurement={"campaigns": {7: {"intended_share": 0.5}}})
    assert settings.measurement.intended_shares(["7", "8"]) == {"7": 0.5}


def test_the_first_pattern_that_matches_a_campaign_states_its_share():
    campaigns = {"trial-1": {"intended_share": 0.5}, "trial-*": {"intended_share": 0.8}}
    measurement = load("demo", measurement={"campaigns": campaigns}).measurement
    shares = measurement.intended_shares(["trial-1", "trial-2", "spring"])
    assert shares == {"trial-1": 0.5, "trial-2": 0.8}
