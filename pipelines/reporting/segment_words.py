"""What each segment means, from the rules of conf."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.reporting.report_data import ReportData, Row

LOST, PROSPECTS = "Lost", "Prospects"
RECENCY = {5: "very recent", 4: "recent", 3: "a while ago", 2: "long ago", 1: "longest ago"}


def meaning(segment: str, data: ReportData) -> str:
    """Who is in the segment: how recently, how often and for how much they buy.

    The scores R, F and M compare a customer with all others on the same date: 5 is the best fifth.
    """
    if segment == LOST:
        return f"No purchase for more than {data.form.count(data.silent_days, 'day')}."
    if segment == PROSPECTS:
        return "Known, but no purchase yet."
    rules = [rule for rule in data.segment_rules if rule["segment"] == segment]
    if not rules:
        return "-"
    recent = _recency(rules)
    return f"{recent}; {_frequency(rules[0])}."


def _recency(rules: Sequence[Row]) -> str:
    """The recency of the rules in words: of the best and of the worst score."""
    scores = [score for rule in rules for score in rule["r"]]
    ends = dict.fromkeys((RECENCY[max(scores)], RECENCY[min(scores)]))
    return f"Last purchase {' or '.join(ends)}"


def _frequency(rule: Row) -> str:
    """How often and for how much, by the lower bound of FM = (F + M) / 2."""
    bound = rule.get("fm_at_least") or 0
    if bound >= 4:
        return "buy often and spend much"
    return "buy an average amount" if bound >= 2.5 else "buy seldom or spend little"
