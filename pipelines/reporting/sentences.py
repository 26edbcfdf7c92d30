"""One sentence a section that says what to see, written from the numbers. Engine-free."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.reporting.facts import Facts, ModelFacts, Row
from pipelines.reporting.phrases import (
    fixed,
    listed,
    money,
    percent,
    plain,
    plural,
    share,
    whole,
    words,
)

BASELINES = ("recency_only", "rfm_logistic", "everyone_stays")
WORSE_GROUPS = ("At-risk", "Hibernating")
NEWCOMER = "New customer"


def total(rows: Iterable[Row], name: str) -> float:
    """The sum of a column; null counts as nothing."""
    return sum(r[name] or 0 for r in rows)


def in_short(facts: Facts) -> str:
    """How many there are, how many are expected to leave, and with how much revenue."""
    if not facts.known:
        return f"No customer is known on {facts.as_of}: gold.customer_segments has no row of it."
    active, silent = (facts.lifecycles.get(k, 0) for k in ("active", "silent"))
    leavers, scored = total(facts.segments, "probability"), total(facts.segments, "scored")
    if not scored:
        return f"None of {plural(facts.known, 'known customer')} is active or silent."
    revenue = total(facts.segments, "revenue")
    at_risk = total(facts.segments, "revenue_at_risk")
    part, worth = percent(leavers / scored), percent(share(at_risk, revenue))
    return (
        f"{whole(active)} of {plural(facts.known, 'known customer')} are active and "
        f"{whole(silent)} silent; of these about {whole(leavers)} ({part}) are expected to leave "
        f"within {facts.horizon_days} days, and with them {money(at_risk)} ({worth}) of "
        f"the revenue of the last {facts.rfm_days} days."
    )


def whom_first(facts: Facts) -> str:
    """How much of the revenue at risk the first customers hold."""
    if not facts.customers:
        return f"Nobody is scored on {facts.as_of}, so there is nobody to act on."
    held, every = (
        total(facts.customers, "revenue_at_risk"),
        total(facts.segments, "revenue_at_risk"),
    )
    scored = total(facts.segments, "scored")
    return (
        f"The {plural(len(facts.customers), 'customer')} with the most revenue at risk are "
        f"{percent(share(len(facts.customers), scored))} of those who can still be kept and hold "
        f"{percent(share(held, every))} of it; at risk is churn probability times revenue of the "
        f"last {facts.rfm_days} days."
    )


def segments(facts: Facts) -> str:
    """The largest segment, and the one with the most revenue at risk."""
    if not facts.known:
        return f"There is no customer to segment on {facts.as_of}."
    largest = max(facts.segments, key=lambda r: r["customers"])
    risky = max(facts.segments, key=lambda r: r["revenue_at_risk"])
    text = (
        f"The largest segment is {largest['segment']} "
        f"({percent(share(largest['customers'], facts.known))} of all customers)"
    )
    every = total(facts.segments, "revenue_at_risk")
    if not every:
        return f"{text}; no revenue is at risk."
    part = percent(risky["revenue_at_risk"] / every)
    if risky is largest:
        return f"{text}; it also holds the most revenue at risk, {part}."
    return (
        f"{text}; the most revenue at risk, {part}, lies with "
        f"{risky['segment']}, {percent(share(risky['customers'], facts.known))} of the customers."
    )


def moves(facts: Facts) -> str:
    """How many changed segment, which way, and the largest single move."""
    if not facts.moves:
        return (
            f"There is no as_of before {facts.as_of} in gold.customer_segments yet, so no move can "
            "be shown. Score an earlier date, or come back after the next run."
        )
    before = [m for m in facts.moves if m["from_segment"] != NEWCOMER]
    changed = [m for m in before if m["from_segment"] != m["to_segment"]]
    if not changed:
        return f"Since {facts.moves[0]['previous_as_of']} nobody has changed segment."
    worse = {name for group in WORSE_GROUPS for name in facts.groups.get(group, [])}
    ways = [(m["from_segment"] in worse, m["to_segment"] in worse, m) for m in changed]
    down = total([m for was, is_now, m in ways if is_now and not was], "customers")
    up = total([m for was, is_now, m in ways if was and not is_now], "customers")
    part = percent(total(changed, "customers") / total(before, "customers"))
    largest = max(changed, key=lambda m: m["customers"])
    return (
        f"Since {facts.moves[0]['previous_as_of']} {whole(total(changed, 'customers'))} of "
        f"{plural(total(before, 'customers'), 'customer')} ({part}) have changed segment: "
        f"{whole(down)} slipped into {listed(list(WORSE_GROUPS))} from a better group, "
        f"{whole(up)} recovered; the largest single move was from "
        f"{largest['from_segment']} to {largest['to_segment']} ({whole(largest['customers'])})."
    )


def figure(model: ModelFacts, name: str, population: str, metric: str) -> Row | None:
    """One test figure with its interval."""
    for row in model.figures:
        if (row["model_name"], row["population"], row["metric"]) == (name, population, metric):
            return row
    return None


def model(facts: Facts) -> str:
    """How often the champion ranks a leaver above a stayer, beside the best simple model."""
    champion = facts.model
    if champion is None:
        return (
            "No model is champion: none was trained, or none beat recency alone. The scores are "
            "the share that left among those silent for as long on past dates (score_basis rule)."
        )
    mine = figure(champion, champion.name, "all", "roc_auc")
    if mine is None or mine["value"] is None:
        return f"Of {champion.name} version {champion.version} no test figure is known here."
    unseen = champion.tested_on not in champion.trained_on
    text = (
        f"Shown one leaver and one stayer of {champion.tested_on}, a date that it was "
        f"{'not ' if unseen else ''}trained on, {champion.name} gives the leaver the higher risk "
        f"in {percent(mine['value'])} of cases"
    )
    return f"{text}{_rivals(champion, mine)}"


def _rivals(champion: ModelFacts, mine: Row) -> str:
    """The baselines, the best first, and whether the champion's lead over it may be chance."""
    others = [
        r
        for r in champion.figures
        if (r["population"], r["metric"]) == ("all", "roc_auc")
        and r["model_name"] in BASELINES
        and r["value"] is not None
    ]
    if not others:
        return "."
    others.sort(key=lambda r: (-r["value"], r["model_name"]))
    best = others[0]
    named = [f"{r['model_name']} in {percent(r['value'])}" for r in others]
    text = f", {listed(named)}."
    ends = (mine["ci_low"], best["ci_high"], mine["ci_high"], best["ci_low"])
    if None in ends:
        return text
    if mine["ci_low"] <= best["ci_high"] and best["ci_low"] <= mine["ci_high"]:
        return f"{text} The intervals of {champion.name} and {best['model_name']} overlap."
    return f"{text} The intervals of {champion.name} and {best['model_name']} do not overlap."


def drivers(facts: Facts) -> str:
    """The features that stand among the top five of most customers."""
    if not facts.drivers:
        return "No factor is known: scores by rule and those of new customers have none."
    first, *others = facts.drivers[:3]
    scored = total(facts.segments, "scored")
    text = (
        f"What moves the risk most is {words(first['feature'])[0]}: among the top five factors of "
        f"{percent(share(first['customers'], scored), 0)} of the customers, and it raises the risk "
        f"of {percent(share(first['raised'], first['customers']), 0)} of them"
    )
    if others:
        text += f"; then {listed([words(r['feature'])[0] for r in others])}"
    return f"{text}."


def window(facts: Facts) -> str:
    """How often those who fall silent, and those whom the label calls leavers, come back."""
    if facts.definition != "inactivity":
        return (
            "Here leaving is the end of a contract (churn.definition: termination), not a silence, "
            "so no window of silence has to be justified."
        )
    silent = [r for r in facts.silences if r["silent_days"] > 0 and r["rows"]]
    if not silent:
        return f"No label had matured by {facts.as_of}, so returns cannot be counted yet."
    shortest = min(r["horizon_days"] for r in silent)
    parts = [
        f"{percent(share(r['returned'], r['rows']), 0)} of those silent for over "
        f"{r['silent_days']} days"
        for r in silent
        if r["horizon_days"] == shortest
    ]
    return f"Within {shortest} days {listed(parts)} buy again. {_wrong_in_the_end(facts)}".strip()


def _wrong_in_the_end(facts: Facts) -> str:
    """How many of the leavers of each window come back, and whether a longer one would help."""
    rows = [(r, r["returned"] / r["leavers"]) for r in facts.returns if r["leavers"]]
    if not rows:
        return ""
    parts = [
        f"{percent(part, 0)} of those whom a window of {r['horizon_days']} days calls leavers are "
        f"back by day {r['later_days']}"
        for r, part in rows
    ]
    text = listed(parts)
    if len(rows) == 1:
        return f"{text}."
    (short, more), (long, less) = rows[0], rows[-1]
    later = long["horizon_days"] - short["horizon_days"]
    if less < more:
        return f"{text}: the longer window is wrong less often, but knows {later} days later."
    return f"{text}: the longer window is not wrong less often."


def missed(facts: Facts) -> str:
    """How many of the safe left and of the lost came back, and whether the model knew."""
    if facts.tested_as_of is None or not facts.tested:
        return (
            "No earlier as_of has both segments and matured labels, so what RFM misses cannot be "
            f"counted. Score a date {facts.horizon_days + facts.lead_days} days before "
            f"{facts.as_of} to see it."
        )
    safe = [r for r in facts.tested if r["segment"] in facts.safe_segments]
    lost = [r for r in facts.tested if r["lifecycle"] == "lost"]
    left, back = total(safe, "churned"), total(lost, "customers") - total(lost, "churned")
    of_safe, of_lost = total(safe, "customers"), total(lost, "customers")
    text = (
        f"Of {whole(of_safe)} customers whom RFM called safe on {facts.tested_as_of} {whole(left)} "
        f"({percent(share(left, of_safe))}) left within {facts.horizon_days} days, and of "
        f"{whole(of_lost)} whom it called lost {whole(back)} ({percent(share(back, of_lost))}) "
        "came back"
    )
    known_left = share(total(safe, "p_left"), total(safe, "scored_left"))
    known_stayed = share(total(safe, "p_stayed"), total(safe, "scored_stayed"))
    if known_left is None or known_stayed is None:
        return f"{text}."
    return (
        f"{text}; the scores of that day gave the safe who left {percent(known_left)} on average, "
        f"the safe who stayed {percent(known_stayed)}."
    )


def about(facts: Facts) -> str:
    """What ingest kept and refused."""
    if not facts.sources:
        return "No ingest has been logged for this lake."
    rows, kept, bad, twice = (
        total(facts.sources, f"rows_{k}") for k in ("in", "kept", "quarantined", "duplicate")
    )
    return (
        f"Of {plural(rows, 'row')} that {plural(len(facts.sources), 'source')} delivered, "
        f"{whole(kept)} were kept, {whole(bad)} ({percent(share(bad, rows), 2)}) quarantined and "
        f"{whole(twice)} were exact duplicates."
    )


def origin(facts: Facts) -> str:
    """Which model or rule gave the scores, with counts."""
    parts = []
    for row in facts.origins:
        by = f"{row['model_name']} version {row['model_version']}"
        how = {"model": by, "cold_start": "the rate of new customers", "rule": "recency alone"}
        parts.append(f"{plural(row['customers'], 'score')} by {how.get(row['score_basis'], by)}")
    return listed(parts) if parts else "no scores"


def advice(customer: Row) -> str:
    """The recommended actions; that none applies where no rule of conf fired."""
    return plain(customer["recommended_actions"] or "no action rule applies")


def with_interval(row: Row | None) -> str:
    """A figure with its 95 % interval."""
    value, interval = value_and_interval(row)
    return f"{value} ({' to '.join(interval)})" if interval else value


def value_and_interval(row: Row | None) -> tuple[str, tuple[str, ...]]:
    """A figure and the ends of its interval; no ends where none was computed."""
    if row is None or row["value"] is None:
        return "-", ()
    digits = 2 if row["metric"].startswith("lift") else 3
    ends = (row["ci_low"], row["ci_high"])
    return fixed(row["value"], digits), (
        () if None in ends else tuple(fixed(end, digits) for end in ends)
    )
