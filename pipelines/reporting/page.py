"""The report as one HTML page from plain facts: same facts, same bytes. Engine-free."""

from __future__ import annotations

from pipelines.reporting import campaigns, evidence, sentences as say
from pipelines.reporting.facts import Facts, Row
from pipelines.reporting.html import (
    Cell,
    Html,
    bars,
    document,
    escaped,
    meter,
    note,
    picture,
    section,
    shaded,
    table,
)
from pipelines.reporting.phrases import fixed, money, percent, reason, share, whole, words

METRICS = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "brier": "Brier score",
    "lift_at_10": "Lift in the top 10 %",
}
POPULATIONS = {
    "all": "Everyone with a purchase before the date",
    "active_90d": "Those who bought in the 90 days before it",
}
ALSO = (
    ("prospect", "Prospects", "no purchase yet"),
    ("terminated", "Terminated", "contract over"),
)
PICTURES = {
    "roc.png": "ROC curve on the test date",
    "calibration.png": "Calibration on the test date",
    "drivers.png": "Mean absolute SHAP values",
}


def page(facts: Facts) -> str:
    """The whole report."""
    parts = (
        ("In short", say.in_short, in_short),
        ("Whom to act on first", say.whom_first, whom_first),
        ("Segments", say.segments, segments),
        ("Who moved between segments", say.moves, moves),
        ("How good the model is", say.model, model),
        ("What drives churn", say.drivers, drivers),
        (f"Is {facts.horizon_days} days the right window?", say.window, evidence.window),
        ("What RFM misses", say.missed, evidence.missed),
        ("Did campaigns work", campaigns.sentence, campaigns.body),
        ("About this report", say.about, evidence.about),
    )
    sections = [
        section(number, title, sentence(facts), *body(facts))
        for number, (title, sentence, body) in enumerate(parts, 1)
    ]
    subtitle = f"Holdfast, {facts.env}: what was known before {facts.as_of}, 00:00 UTC"
    titles = [title for title, _, _ in parts]
    return document("Who is about to leave, and why", subtitle, titles, sections)


def in_short(facts: Facts) -> list[str]:
    """The key figures."""
    if not facts.known:
        return []
    count = facts.lifecycles.get
    cards = [
        ("Customers known", whole(facts.known), f"on {facts.as_of}"),
        ("Active", whole(count("active", 0)), f"bought within {facts.active_days} days"),
        (
            "Silent",
            whole(count("silent", 0)),
            f"{facts.active_days + 1} to {facts.silent_days} days without a purchase",
        ),
        ("Lost", whole(count("lost", 0)), f"over {facts.silent_days} days"),
    ]
    cards += [(t, whole(count(k)), s) for k, t, s in ALSO if count(k)]
    cards += [
        _churn_card(facts),
        (
            "Expected leavers",
            whole(say.total(facts.segments, "probability")),
            f"active and silent, next {facts.horizon_days} days",
        ),
        (
            "Revenue at risk",
            money(say.total(facts.segments, "revenue_at_risk")),
            f"probability x revenue of {facts.rfm_days} days",
        ),
    ]
    items = "\n".join(
        f"<div><dt>{escaped(t)}</dt><dd>{escaped(v)}<small>{escaped(s)}</small></dd></div>"
        for t, v, s in cards
    )
    return [f'<dl class="cards">\n{items}\n</dl>']


def _churn_card(facts: Facts) -> tuple[str, str, str]:
    if not facts.tested:
        return "Churn rate", "-", "no earlier date with matured labels"
    kept = [r for r in facts.tested if r["lifecycle"] in ("active", "silent")]
    left, every = say.total(kept, "churned"), say.total(kept, "customers")
    all_left = percent(
        share(say.total(facts.tested, "churned"), say.total(facts.tested, "customers"))
    )
    text = f"of the active and silent; of all buyers so far {all_left}"
    return f"Left after {facts.tested_as_of}", percent(share(left, every)), text


def whom_first(facts: Facts) -> list[str]:
    """The customers with the most revenue at risk."""
    if not facts.customers:
        return []
    rows: list[list[Cell]] = [
        [
            str(place),
            Html(f"<strong>{escaped(c['customer_id'])}</strong>"),
            c["segment"],
            _level(facts, c["risk_level"]),
            percent(c["churn_probability"], 0),
            money(c["monetary"]),
            money(c["revenue_at_risk"]),
            _reasons(c),
            say.advice(c),
        ]
        for place, c in enumerate(facts.customers, 1)
    ]
    heads = ["#", "Customer", "Segment", "Risk", "Churn", f"Revenue, {facts.rfm_days} d", "At risk"]
    heads += ["What raises the risk", "What to do"]
    return [
        table(heads, rows, texts=(1, 2, 3, 7, 8), style="stack first"),
        note(
            f"Churn: probability of no purchase within {facts.horizon_days} days. "
            "The reasons are the factors that raise this customer's risk most, with their values."
        ),
    ]


def _level(facts: Facts, level: str) -> Html:
    """The risk level, the riskiest of conf's scheme in the strongest colour."""
    place = facts.levels.index(level) if level in facts.levels else len(facts.levels)
    return Html(f'<span class="level {"abcd"[min(place, 3)]}">{escaped(level)}</span>')


def _reasons(customer: Row) -> Cell:
    found = [reason(f["feature"], f["value"]) for f in customer["factors"]]
    if not found:
        return "none known"
    return Html('<ul class="reasons">' + "".join(f"<li>{escaped(r)}</li>" for r in found) + "</ul>")


def segments(facts: Facts) -> list[str]:
    """Sizes, worth and risk by segment and by group."""
    if not facts.known:
        return []
    groups: list[Row] = []
    for name in facts.groups:
        within = [r for r in facts.segments if r["segment_group"] == name]
        names = ("customers", "revenue", "scored", "probability", "revenue_at_risk")
        groups.append({"segment": name} | {k: say.total(within, k) for k in names})
    at_risk = say.total(facts.segments, "revenue_at_risk")
    plot = bars(
        [
            (
                r["segment"],
                [
                    (percent(p), p or 0.0),
                    (percent(q), q or 0.0),
                ],
            )
            for r in facts.segments
            for p, q in [(share(r["customers"], facts.known), share(r["revenue_at_risk"], at_risk))]
        ],
        ("share of customers", "share of the revenue at risk"),
    )
    heads = ["Customers", "Share", f"Revenue, {facts.rfm_days} d", "Mean churn", "Revenue at risk"]
    return [
        table(["Segment", *heads], [_sizes(facts, r) for r in facts.segments], style="wide"),
        note("Mean churn: of the active and silent; lost customers and prospects are not scored."),
        plot,
        table(["Group", *heads], [_sizes(facts, r) for r in groups], style="wide"),
    ]


def _sizes(facts: Facts, row: Row) -> list[Cell]:
    return [
        row["segment"],
        whole(row["customers"]),
        percent(share(row["customers"], facts.known)),
        money(row["revenue"]),
        percent(share(row["probability"], row["scored"])),
        money(row["revenue_at_risk"]) if row["scored"] else "-",
    ]


def moves(facts: Facts) -> list[str]:
    """From each segment (row) to each segment (column)."""
    if not facts.moves:
        return []
    order = facts.segment_order
    ways = {(m["from_segment"], m["to_segment"]): m["customers"] for m in facts.moves}
    place = {name: i for i, names in enumerate(facts.groups.values()) for name in names}
    rows: list[list[Cell]] = []
    for start in [*order, say.NEWCOMER]:
        every = sum(ways.get((start, end), 0) for end in order)
        if not every:
            continue
        cells = [
            shaded(whole(n) if n else "", n / every, place[end] - place.get(start, place[end]))
            for end in order
            for n in [ways.get((start, end), 0)]
        ]
        rows.append([f"{start} ({whole(every)})", *cells])
    return [
        table(["From (rows) to (columns)", *order], rows, style="moves"),
        note(
            "Customers by segment then and now; the stronger the colour, the larger the share of "
            "the row. Grey: the same group; green: a better group; orange: a worse one, in the "
            f"order {', '.join(facts.groups)}. New customer: not known then."
        ),
    ]


def model(facts: Facts) -> list[str]:
    """The champion beside the trivial models, and its pictures."""
    champion = facts.model
    if champion is None:
        return []
    found = []
    names = [champion.name, *(n for n in say.BASELINES if n != champion.name)]
    for population, title in POPULATIONS.items():
        rows: list[list[Cell]] = []
        for name in names:
            figures = [say.figure(champion, name, population, metric) for metric in METRICS]
            if any(figures):
                shown = f"{name} (champion, version {champion.version})"
                rows.append([shown if name == champion.name else name, *map(_figure, figures)])
        if rows:
            found.append(table(["Model", *METRICS.values()], rows, caption=title, style="wide"))
    pictures = "".join(picture(PICTURES[n], png) for n, png in champion.plots.items())
    if pictures:
        found.append(f'<div class="plots">{pictures}</div>')
    else:
        found.append(note("The run of this version holds no plots."))
    dates = ", ".join(champion.trained_on) or "unknown dates"
    promotion = f" When it became champion: {champion.promotion}." if champion.promotion else ""
    found.append(
        note(
            f"Trained on {dates}; tested on {champion.tested_on or 'an unknown date'}. In "
            f"brackets: 95 % interval from resampled customers. Brier: lower is better.{promotion}"
        )
    )
    return found


def _figure(row: Row | None) -> Cell:
    """The value, then its interval in small letters."""
    value, ends = say.value_and_interval(row)
    interval = "\u2013".join(ends)
    return Html(f"{value} <small>({interval})</small>") if ends else value


def drivers(facts: Facts) -> list[str]:
    """How often each feature stands among the top five, how strong, which way."""
    if not facts.drivers:
        return []
    scored = say.total(facts.segments, "scored")
    strongest = facts.drivers[0]["strength"] or 1.0
    rows: list[list[Cell]] = [
        [
            words(r["feature"])[0],
            meter(r["strength"] / strongest),
            fixed(share(r["strength"], scored), 3),
            percent(share(r["customers"], scored), 0),
            percent(share(r["raised"], r["customers"]), 0),
        ]
        for r in facts.drivers[:15]
    ]
    heads = ["Feature", "", "Mean impact", "In the top five of", "Raises the risk of"]
    rest = len(facts.drivers) - len(rows)
    more = f" {rest} weaker features are left out." if rest > 0 else ""
    return [
        table(heads, rows, texts=2),
        note(
            "Mean impact: mean |SHAP value| (log-odds; a random forest's: probability) over all "
            "scored customers, counted where the feature is among their top five. Raises the risk "
            "of: share of those customers whose risk it raises; it lowers that of the rest."
            f"{more}"
        ),
    ]
