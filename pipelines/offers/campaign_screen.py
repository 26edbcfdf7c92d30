"""What measure_campaigns prints: effects with interval and p-value, and the sample-ratio test."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from fnmatch import filter as matching

from pipelines.offers.campaign_results import CampaignResult
from runtime.wording import plural, verb

# The newest campaigns x offers on the screen. All of them are in gold.campaign_results.
MOST_SHOWN = 20


def whole_campaigns(measured: Sequence[CampaignResult]) -> list[CampaignResult]:
    """The rows of conversion over all segments, newest month first."""
    whole = [r for r in measured if r["segment"] == "all" and r["metric"] == "conversion"]
    return sorted(sorted(whole, key=_key), key=lambda r: r["month"], reverse=True)


def effect_lines(measured: Sequence[CampaignResult]) -> Iterator[str]:
    """One line per campaign, offer and month: its effects, with 95 % interval and p-value."""
    whole = whole_campaigns(measured)
    revenue = {
        _key(r): r for r in measured if r["segment"] == "all" and r["metric"] == "retained_revenue"
    }
    for row in whole[:MOST_SHOWN]:
        yield f"{_title(row)}: {row['treated']:,} sent, {row['held_out']:,} held out; {_ratio(row)}"
        yield (
            f"  conversion {100 * row['value_treated']:.1f} % against "
            f"{100 * row['value_held_out']:.1f} %: {100 * row['effect']:+.1f} percentage points "
            f"({100 * row['ci_low']:+.1f} to {100 * row['ci_high']:+.1f}), {_p_value(row)}"
        )
        if other := revenue.get(_key(row)):
            yield (
                f"  revenue per customer {other['value_treated']:,.2f} against "
                f"{other['value_held_out']:,.2f}: {other['effect']:+,.2f} "
                f"({other['ci_low']:+,.2f} to {other['ci_high']:+,.2f}), {_p_value(other)}"
            )
    if len(whole) > MOST_SHOWN:
        yield f"and {len(whole) - MOST_SHOWN:,} more in gold.campaign_results"


def mismatches(measured: Sequence[CampaignResult], alarm: float) -> Iterator[str]:
    """One warning per campaign and offer whose group sizes differ from the plan beyond chance."""
    for row in whole_campaigns(measured):
        p_value = row["srm_p_value"]
        if p_value is not None and p_value < alarm:
            yield (
                f"{_title(row)}: sample ratio mismatch. {plural(row['treated'], 'customer')} "
                f"{verb(row['treated'], 'was', 'were')} "
                "sent the "
                f"offer and {row['held_out']:,} held out, which differs from the intended share "
                f"(p = {p_value:.2g}, below measurement.mismatch_p_value = {alarm}). Do not use "
                "the effect before you know which customers are missing from one of the groups."
            )


def untested(measured: Sequence[CampaignResult]) -> str | None:
    """A sentence with the campaigns that had no sample-ratio test. None: all had one."""
    names = sorted({r["campaign_id"] for r in measured if r["srm_p_value"] is None})
    if not names:
        return None
    more = f" and {len(names) - MOST_SHOWN:,} more" if len(names) > MOST_SHOWN else ""
    return (
        f"No sample-ratio test for {', '.join(names[:MOST_SHOWN])}{more}: state the share of "
        "customers who were meant to get an offer in measurement.campaigns."
    )


def not_measured(stated: Collection[str], known: Collection[str]) -> str | None:
    """A warning about patterns of conf that match no campaign. None: all match one."""
    unknown = sorted(pattern for pattern in stated if not matching(known, pattern))
    if not unknown:
        return None
    return (
        f"measurement.campaigns: no campaign with a random control group is called "
        f"{' or '.join(unknown)}. Use the campaign_id of silver.campaign_contacts, or a pattern."
    )


def _key(row: CampaignResult) -> tuple[str, str, str]:
    return row["campaign_id"], row["offer_id"], row["month"]


def _title(row: CampaignResult) -> str:
    return f"{row['campaign_id']} {row['offer_id']} ({row['month']})"


def _ratio(row: CampaignResult) -> str:
    p_value = row["srm_p_value"]
    return "sample ratio not tested" if p_value is None else f"sample ratio p = {p_value:.2g}"


def _p_value(row: CampaignResult) -> str:
    p_value = row["p_value_corrected"]
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"
