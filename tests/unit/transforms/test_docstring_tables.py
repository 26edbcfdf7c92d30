"""The tables in the docstrings of transforms and udfs: each row is run and each cell is compared.

A table belongs to a function, or to the formula that is assigned just before it. A cell is a value,
"null" (or empty) for null, or an expression that ends in "= value". A text in quotes is taken as it
is. CASES and FORMULAS say how a table is run: a new table without an entry fails.
"""

from __future__ import annotations

import ast
import datetime as dt
import hashlib
import math
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from pyspark.sql import functions as F

from transforms import (
    allocation,
    consent,
    customer_versions,
    decisions,
    early_returns,
    feature_bins,
    first_list,
    hold_out,
    labels,
    live_engagement,
    offers,
    outbox,
    purchase_summary,
    purchases,
    quality,
    reasons,
    report_tables,
    retention_plan,
    risk_percentiles,
    scores,
    segments,
    send_dates,
    standing_decisions,
    strategy_comparison,
    survival_rows,
    text_pool,
    training_rows,
    visibility,
)
from udfs import (
    behavior,
    engagement as engagement_formulas,
    rfm,
    risk,
    risk_bands,
    satisfaction,
    value,
)

ROOT = Path(__file__).resolve().parents[3]
CONF = yaml.safe_load((ROOT / "conf/defaults.yaml").read_text())


@dataclass(frozen=True)
class DrawnTable:
    owner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _texts(tree):
    """Pairs of (name, text): docstrings of functions, and texts after an assignment."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield node.name, text
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if isinstance(before, ast.Assign) and is_text:
            yield before.targets[0].id, after.value.value


def _tables(owner, text):
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines):
        if not line.startswith("|--"):
            continue
        cells = [tuple(c.strip() for c in lines[number - 1].strip("|").split("|"))]
        for row in lines[number + 1 :]:
            if not row.startswith("|"):
                break
            cells.append(tuple(c.strip() for c in row[1:-1].split("|")))
        yield DrawnTable(owner, cells[0], tuple(cells[1:]))


TABLES = {
    table.owner: table
    for package in ("transforms", "udfs")
    for path in sorted((ROOT / package).glob("*.py"))
    for name, text in _texts(ast.parse(path.read_text()))
    for table in _tables(f"{package}.{path.stem}.{name}", text)
}

FORMULAS = {
    "udfs.behavior.recency_days": behavior.recency_days,
    "udfs.behavior.tenure_months": behavior.tenure_months,
    "udfs.behavior.purchase_frequency": behavior.purchase_frequency,
    "udfs.behavior.lifecycle": behavior.lifecycle(30, 90),
    "udfs.engagement.login_frequency": engagement_formulas.login_frequency,
    "udfs.engagement.capped_share": engagement_formulas.capped_share(10),
    "udfs.engagement.engagement_score": engagement_formulas.engagement_score(
        {"login": 0.3, "support": 0.2, "usage": 0.3, "community": 0.2}
    ),
    "udfs.engagement.engagement_basis": engagement_formulas.engagement_basis(
        {"login_frequency_30d": 0.3, "feature_usage_score": 0.3}
    ),
    "udfs.engagement.engagement_level": engagement_formulas.engagement_level(
        [
            {"level": "high", "above": 0.5},
            {"level": "medium", "above": 0.2},
            {"level": "low"},
        ]
    ),
    "udfs.satisfaction.satisfaction_score": satisfaction.satisfaction_score,
    "udfs.satisfaction.satisfaction_basis": satisfaction.satisfaction_basis,
    "udfs.rfm.quintile_score": rfm.quintile_score,
    "udfs.rfm.rfm_score": rfm.rfm_score,
    "udfs.rfm.rfm_priority": rfm.rfm_priority({"r": 0.4, "f": 0.3, "m": 0.3}),
    "udfs.rfm.segment": rfm.segment(CONF["segments"]["rules"]),
    "udfs.rfm.segment_group": rfm.segment_group(CONF["segments"]["groups"]),
    "udfs.risk.confidence_score": risk.confidence_score,
    "udfs.risk_bands.risk_level": risk_bands.risk_level(CONF["risk"]["schemes"]["four_bands"]),
    "udfs.risk.high_risk_churn": risk.high_risk_churn(60, 0.3, 5),
    "udfs.risk.recommended_actions": risk.recommended_actions(
        CONF["actions"], CONF["risk"]["level_actions"], CONF["risk"]["call_above"]
    ),
    "udfs.value.avg_order_value": value.avg_order_value,
    "udfs.value.revenue_trend": value.revenue_trend,
    "udfs.value.clv_score": value.clv_score(CONF["clv_score"]),
}

# owner: (columns that are given, with their types; function of frame and rows -> rows)
CASES = {}


def case(owner, given):
    """Register the function that runs the table of `owner`; `n` is the number of the row."""

    def register(run):
        CASES[owner] = (given, run)
        return run

    return register


def column_case(owner, given, build):
    """The table of a function that builds a Column."""
    name = owner.rsplit(".", 1)[1]

    @case(owner, given)
    def run(frame, rows):
        rows_in = frame(f"n int, {given}", rows)
        return _collected(rows_in.select("n", build().alias(name)))


def _collected(frame, key="n"):
    return sorted(frame.toArrow().to_pylist(), key=lambda row: row[key])


@case("transforms.feature_bins.number_bin", "value double")
def run_number_bin(frame, rows):
    rows_in = frame("n int, value double", rows)
    return _collected(
        rows_in.select("n", feature_bins.number_bin(F.col("value"), (1, 2)).alias("number_bin"))
    )


@case("transforms.early_returns.value_band", "value int")
def run_value_band(frame, rows):
    rows_in = frame("n int, value int", rows)
    band = early_returns.value_band("value", (7, 30))
    return _collected(rows_in.select("n", band.alias("value_band")))


def _offer(name, **fields):
    plain = dict.fromkeys(("share", "money", "most_customers", "eligible"))
    plain |= {"is_paid_on_redemption": True, "again_after_days": 0, "is_in_budget": True}
    return offers.Offer(name, **(plain | fields))


column_case(
    "transforms.decisions.revenue_a_year",
    "revenue_365d double, tenure_days int",
    decisions.revenue_a_year,
)
column_case(
    "transforms.offers.cost_of",
    "value_at_stake double",
    lambda: offers.cost_of(_offer("ten", share=0.1), 0.5),
)
column_case(
    "transforms.send_dates.final_timing",
    "reason string, timing string",
    lambda: send_dates.final_timing(F.col("reason")),
)
column_case(
    "transforms.standing_decisions.is_valid_at",
    "offer_id string, send_on date",
    lambda: standing_decisions.is_valid_at(dt.date(2026, 1, 15), {"ten": 14}),
)
column_case("transforms.purchases.is_purchase", "amount decimal(18,2)", purchases.is_purchase)
column_case(
    "transforms.purchases.in_cents", "amount decimal(18,2)", lambda: purchases.in_cents("amount")
)
column_case("transforms.quality.joined", "a string, b string", lambda: quality.joined(["a", "b"]))
column_case(
    "transforms.reasons.reason_of_category",
    "category string",
    lambda: reasons.reason_of_category({"Billing": "price"}),
)
column_case(
    "transforms.training_rows.signed_log",
    "value double",
    lambda: training_rows.signed_log(F.col("value")),
)
column_case(
    "transforms.visibility.visible_from",
    "event_at timestamp, known_at timestamp",
    lambda: visibility.visible_from("event_at"),
)
column_case(
    "transforms.visibility.days_before",
    "as_of date, day date",
    lambda: visibility.days_before("as_of", "day"),
)


@case("transforms.allocation.with_choice", "gain_a double, gain_b double")
def _with_choice(frame, rows):
    prices = {"p_budget": 1.0, "p_a": 0.0, "p_b": 0.0}
    given = "n int, gain_a double, gain_b double, p_budget double, p_a double, p_b double"
    priced = frame(given, [row | prices for row in rows])
    return _collected(allocation.with_choice(priced, ["a", "b"], "customers"))


@case(
    "transforms.outbox.risen",
    "before string, now string, version_before string, version_now string",
)
def _risen(frame, rows):
    now, before = (
        frame(
            "customer_id string, risk_level string, model_name string, model_version string, "
            "risk_scheme string",
            [
                (str(row["n"]), row[side], None, row[f"version_{side}"], "relative")
                for row in rows
                if row[side]
            ],
        )
        for side in ("now", "before")
    )
    risen = outbox.risen(now, before, ["HIGH", "LOW"]).toArrow().to_pylist()
    ids = {row["customer_id"] for row in risen}
    return [{"risen": str(row["n"]) in ids} for row in rows]


@case("transforms.live_engagement.fallen", "level_before string, level string")
def _fallen(frame, rows):
    given = [(str(r["n"]), r["level_before"], r["level"]) for r in rows]
    live = frame("customer_id string, level_before string, level string", given)
    fell = live_engagement.fallen(live, ["high", "low"]).toArrow().to_pylist()
    assert all((r["from_level"], r["to_level"]) == ("high", "low") for r in fell)
    return [{"fallen": str(r["n"]) in {f["customer_id"] for f in fell}} for r in rows]


def _digest(text):
    return hashlib.sha256(f"hold-out|{text}".encode()).hexdigest()


@case("transforms.hold_out.newly_drawn", "place int")
def _newly_drawn(frame, rows):
    # A stratum whose offset, the first three digits of its hash, is 0.6 to two decimals.
    stratum = next(
        str(k) for k in range(10_000) if round(int(_digest(str(k))[:3], 16) / 4096, 2) == 0.6
    )
    ids = sorted((f"c{row['place']}" for row in rows), key=_digest)
    chosen = frame("customer_id string, stratum string", [(name, stratum) for name in ids])
    known = frame("gold.hold_out", [])
    drawn = hold_out.newly_drawn(chosen, known, 0.25, day=dt.date(2026, 1, 1)).toArrow().to_pylist()
    held_out = {row["customer_id"]: row["is_held_out"] for row in drawn}
    return [
        {
            "floor(place x share + offset)": math.floor(row["place"] * 0.25 + 0.6),
            "is_held_out": held_out[name],
        }
        for row, name in zip(rows, ids, strict=True)
    ]


@case("transforms.text_pool.status", "form_verdict string, judge_verdict string, approved boolean")
def _status(frame, rows):
    given = "n int, form_verdict string, judge_verdict string, approved boolean"
    return _collected(frame(given, rows).select("n", text_pool.status().alias("status")))


@case("transforms.labels.inactivity_labels", "purchased_at timestamp, known_at timestamp")
def _inactivity_labels(frame, rows):
    as_of, until = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
    bought = [
        {"customer_id": str(r["n"]), "amount": 1, **{k: v for k, v in r.items() if k != "n"}}
        for r in rows
    ]
    days = labels.purchase_days(frame("silver.transactions", bought))
    population = frame(
        "customer_id string, as_of date", [(r["customer_id"], as_of) for r in bought]
    )
    labelled = labels.inactivity_labels(
        days, population, [30], lead_days=0, wait_days=3, observed_until=until
    )
    return _collected(labelled, "customer_id")


@case("transforms.purchase_summary.purchase_summary", "day: amount string")
def _purchase_summary(frame, rows):
    bought = []
    for row in rows:
        for place, line in enumerate(row["day: amount"].split(", ")):
            day, amount = line.split(": ")
            bought.append(
                {
                    "customer_id": str(row["n"]),
                    "order_id": str(place),
                    "purchased_at": f"{day} 12:00:00",
                    "amount": amount,
                }
            )
    lines = purchase_summary.purchase_lines(frame("silver.transactions", bought))
    summary = purchase_summary.purchase_summary(lines, [dt.date(2026, 2, 1)])
    return _collected(summary, "customer_id")


@case("transforms.report_tables.matured", "as_of date, horizon_days int, lead_days int")
def _matured(frame, rows):
    known = frame("n int, as_of date, horizon_days int, lead_days int", rows)
    kept = {row["n"] for row in _collected(report_tables.matured(known, dt.date(2026, 2, 1)))}
    return [{"matured": row["n"] in kept} for row in rows]


@case("transforms.offers.with_rule", "factors string, total_orders int, churn_probability double")
def _with_rule(frame, rows):
    flags = (
        "is_recency_up",
        "is_order_value_down",
        "is_support_tickets_up",
        "is_feature_usage_down",
    )
    given = "n int, factors string, total_orders int, churn_probability double, "
    filled = []
    for row in rows:
        names = {"is_" + f.replace(" ", "_") for f in (row["factors"] or "").split(", ") if f}
        assert names <= set(flags)
        filled.append(row | dict.fromkeys(names, True))
    people = frame(given + ", ".join(f"{name} boolean" for name in flags), filled)
    return _collected(offers.with_rule(people, 0.6, 20))


@case(
    "transforms.send_dates.with_timing",
    "as_of date, lifecycle string, churn_prediction int, likely_churn_date date",
)
def _with_timing(frame, rows):
    given = "lifecycle string, churn_prediction int, likely_churn_date date"
    people = frame(f"n int, as_of date, {given}", rows)
    return _collected(send_dates.with_timing(people, 14, 30))


@case("transforms.consent.consent_barrier", "is_opted_out boolean")
def _consent_barrier(frame, rows):
    people = frame("n int, is_opted_out boolean", rows)
    columns = {c: consent.consent_barrier(c) for c in ("contact", "do_not_contact")}
    return _collected(people.select("n", *[v.alias(c) for c, v in columns.items()]))


@case(
    "transforms.send_dates.with_barrier",
    "is_opted_out boolean, last_on date, timing string, send_on date",
)
def _with_barrier(frame, rows):
    people = frame("n int, is_opted_out boolean, last_on date, timing string, send_on date", rows)
    return _collected(send_dates.with_barrier(people, 14))


@case("transforms.risk_percentiles.with_risk_percentiles", "churn_probability double")
def _with_risk_percentiles(frame, rows):
    named = [row | {"customer_id": str(row["n"])} for row in rows]
    scored = frame(
        "as_of date, customer_id string, churn_probability double",
        [{"as_of": "2026-01-01"} | {k: v for k, v in row.items() if k != "n"} for row in named],
    )
    segments = frame("customer_id string, segment string", [(r["customer_id"], "A") for r in named])
    placed = risk_percentiles.with_risk_percentiles(scored, segments)
    return _collected(placed, "customer_id")


@case("transforms.first_list.scored_customers", "churn_probability double, value_at_stake double")
def _scored_customers(frame, rows):
    named = [row | {"customer_id": str(row["n"])} for row in rows]
    scores_ = frame(
        "customer_id string, churn_probability double, value_at_stake double, risk_level string, "
        "recommended_actions string, score_basis string",
        [{k: v for k, v in row.items() if k != "n"} for row in named],
    )
    segments = frame(
        "customer_id string, lifecycle string, segment string, segment_group string, "
        "recency_days int",
        [{"customer_id": row["customer_id"]} for row in named],
    )
    scored = first_list.scored_customers(scores_, segments, "value_at_stake")
    return _collected(scored, "customer_id")


@case("transforms.report_tables.returns_after_horizon", "churned at 30 int, churned at 60 int")
def _returns_after_horizon(frame, rows):
    results = []
    for row in rows:
        labels = frame(
            "customer_id string, as_of date, horizon_days int, churned int",
            [("a", "2026-01-01", days, row[f"churned at {days}"]) for days in (30, 60)],
        )
        results += report_tables.returns_after_horizon(labels, [(30, 60)]).toArrow().to_pylist()
    return results


@case(
    "transforms.retention_plan.plan_rows",
    "churn_probability double, value_at_stake double, effect_ten double",
)
def _plan_rows(frame, rows):
    texts = dict.fromkeys(
        ("lifecycle", "value_basis", "timing", "barrier", "rule_offer", "customer_id"), "string"
    )
    types = {"as_of": "date", "send_on": "date"} | texts
    of_offer = ("effect_ten", "cost_ten", "gain_ten")
    names = {*retention_plan.OF_CUSTOMER, *types, *of_offer}
    given = ", ".join(f"{name} {types.get(name, 'double')}" for name in sorted(names))
    alike = {"lifecycle": "active", "timing": "now", "rule_offer": "ten", "gain_ten": 1.0}
    known = [
        alike | {"customer_id": str(row["n"])} | {k: v for k, v in row.items() if k != "n"}
        for row in rows
    ]
    planned = retention_plan.plan_rows(frame(given, known), [_offer("ten")])
    return _collected(planned, "customer_id")


@case(
    "transforms.strategy_comparison.value_kept",
    "is_chosen boolean, churned int, send_on date, send_by date, value_at_stake double",
)
def _value_kept(frame, rows):
    plan, outcomes = [], []
    for row in rows:
        name = str(row["n"])
        of_plan = {k: row[k] for k in ("is_chosen", "send_on", "value_at_stake")}
        plan.append({"strategy": name, "customer_id": name, "cost": 3.0, **of_plan})
        outcomes.append({"customer_id": name, **{k: row[k] for k in ("churned", "send_by")}})
    columns = "strategy string, customer_id string, is_chosen boolean, send_on date"
    planned = frame(f"{columns}, value_at_stake double, cost double", plan)
    judged = frame("customer_id string, churned int, send_by date", outcomes)
    return _collected(strategy_comparison.value_kept(planned, judged, 0.2), "strategy")


@case("transforms.scores.churn_by_horizon", "p_30 double, churn_probability double, p_90 double")
def _churn_by_horizon(frame, rows):
    scored = frame(
        "as_of date, customer_id string, p_30 double, churn_probability double, p_90 double, "
        "model_name string, model_30 string, model_90 string",
        [
            ("2026-01-01", str(r["n"]), r["p_30"], r["churn_probability"], r["p_90"], "x", "x", "x")
            for r in rows
        ],
    )
    results = {str(row["n"]): {} for row in rows}
    each = (
        scores.churn_by_horizon(scored, 60, [30, 90], definition="inactivity").toArrow().to_pylist()
    )
    for row in each:
        results[row["customer_id"]][str(row["horizon_days"])] = row["churn_probability"]
    return list(results.values())


@case("transforms.segments.cut_points", "values string")
def _cut_points(frame, rows):
    known = [
        (f"2026-01-{row['n'] + 1:02}", float(v)) for row in rows for v in row["values"].split(", ")
    ]
    cuts = segments.cut_points(frame("as_of date, monetary double", known), "monetary")
    return _collected(cuts, "as_of")


@case(
    "transforms.segments.with_segment_scores",
    "before int, least int, score int, most int",
)
def _with_segment_scores(frame, rows):
    """The same numbers for all three letters; the table shows R."""
    known = [(str(r["n"]), *([r["least"], r["score"], r["most"]] * 3), r["before"]) for r in rows]
    names = [f"{letter}_{part} int" for letter in "rfm" for part in ("least", "score", "most")]
    now = frame(", ".join(["customer_id string", *names]), [row[:-1] for row in known])
    columns = "customer_id string, segment_r int, segment_f int, segment_m int"
    previous = frame(columns, [(row[0], *[row[-1]] * 3) for row in known])
    given = segments.with_segment_scores(now, previous)
    held = {r["customer_id"]: r["segment_r"] for r in given.toArrow().to_pylist()}
    return [{"segment_r": held[str(r["n"])]} for r in rows]


@case("transforms.survival_rows.band_of", "value double")
def _band_of(frame, rows):
    known = frame("n int, value double", rows)
    band = survival_rows.band_of("value", [10, 20]).alias("edges 10, 20")
    return _collected(known.select("n", band))


@case(
    "transforms.customer_versions.with_versions", "_is_stored boolean, known_at string, plan string"
)
def _with_versions(frame, rows):
    def moment(text):
        return dt.datetime.strptime(f"{text} 2026", "%d %b %Y")

    stored = [
        {
            "customer_id": "a",
            "plan": row["plan"],
            "source": "crm",
            "batch_id": "b0",
            "known_at": moment(row["known_at"]),
            "valid_from": moment(row["known_at"]),
        }
        for row in rows
        if row["_is_stored"]
    ]
    new = [
        {
            "customer_id": "a",
            "plan": row["plan"],
            "source": "crm",
            "batch_id": "b1",
            "known_at": moment(row["known_at"]),
            "_outcome": "kept",
            "valid_from": moment(row["known_at"]),
        }
        for row in rows
        if not row["_is_stored"]
    ]
    versions = frame("silver.customers", stored)
    versions = versions.withColumn(
        "content_hash", customer_versions.content_hash(customer_versions.CONTENT)
    )
    profiles = frame("silver.customers", new, more="_outcome string").drop("valid_from", "valid_to")
    given = {"crm": customer_versions.CONTENT}
    chain = customer_versions.with_versions(profiles, versions, given)
    results = _collected(chain.drop("known_at").withColumn("n", F.col("valid_from")))
    for row in results:
        for name in ("valid_from", "valid_to"):
            row[name] = row[name] and f"{row[name].day} {row[name]:%b}"
    return results


# sqlframe lacks what these functions use; their other tests run on Spark alone too.
SPARK_ONLY = {"transforms.customer_versions.with_versions"}


def test_every_table_is_run():
    assert set(TABLES) == {*CASES, *FORMULAS}


READ = {
    "int": int,
    "double": float,
    "boolean": {"true": True, "false": False}.__getitem__,
}


def _value_of(cell):
    """The value that a cell states: what follows the last "=", null for an empty one."""
    value = cell.rsplit(" = ", 1)[-1]
    return None if value in ("null", "") else value


def _is_stated(cell, actual):
    stated = _value_of(cell)
    if stated is None or actual is None:
        return stated is actual
    if isinstance(actual, bool):
        return stated == str(actual).lower()
    if isinstance(actual, int | float):
        return float(stated) == pytest.approx(actual, rel=1e-12, abs=1e-12)
    return stated.strip('"') == str(actual)


def _compared(table, given, results):
    outputs = [name for name in table.columns if name not in given]
    assert outputs and len(results) == len(table.rows)
    for row, result in zip(table.rows, results, strict=True):
        stated = dict(zip(table.columns, row, strict=True))
        wrong = {n: (stated[n], result[n]) for n in outputs if not _is_stated(stated[n], result[n])}
        assert not wrong, f"{table.owner}, row {row}: column: (docstring, result) {wrong}"


@pytest.mark.parametrize(
    "owner",
    [
        pytest.param(owner, marks=pytest.mark.spark_only) if owner in SPARK_ONLY else owner
        for owner in CASES
    ],
)
def test_the_table_of_a_transform(owner, frame):
    table, (given, run) = TABLES[owner], CASES[owner]
    types = dict(part.rsplit(" ", 1) for part in given.split(", "))
    rows = []
    for n, cells in enumerate(table.rows):
        stated = dict(zip(table.columns, map(_value_of, cells), strict=True))
        read = {
            name: None if stated[name] is None else READ.get(kind, str)(stated[name])
            for name, kind in types.items()
        }
        rows.append({"n": n, **read})
    _compared(table, types, run(frame, rows))


@pytest.mark.parametrize("owner", FORMULAS)
def test_the_table_of_a_formula(owner, frame):
    """A formula casts its arguments itself, so they go in as texts."""
    table, formula = TABLES[owner], FORMULAS[owner]
    names = [name for name, _ in formula.parameters]
    assert table.columns == (*names, formula.name)
    rows = [(n, *map(_value_of, cells[:-1])) for n, cells in enumerate(table.rows)]
    given = frame("n int, " + ", ".join(f"{name} string" for name in names), rows)
    result = formula(**{name: name for name in names}).alias(formula.name)
    _compared(table, names, _collected(given.select("n", result)))


@pytest.mark.parametrize(
    ("cell", "actual"),
    [("4", 5), ("null", 0), ("0", None), ("true", False), ("2 + 2 = 4", 5.0), ('"541"', "54")],
)
def test_a_wrong_cell_is_seen(cell, actual):
    assert not _is_stated(cell, actual)
