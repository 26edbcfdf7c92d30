"""The summary on the screen, the file, and the queries on a lake on DuckDB."""

import dataclasses
import datetime as dt
import io
import re
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from contracts import catalog
from pipelines.reporting import contact_list, contact_texts, queries
from pipelines.reporting.report import summary, write_report
from pipelines.reporting.report_page import page
from runtime.context import Context
from runtime.files import Location
from runtime.lakehouse.arrow_types import arrow_schema
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import Settings, load
from runtime.settings.contact import ContactSettings
from tests.unit.pipelines.reporting.report_sample import AS_OF, BEFORE, EMPTY, FULL, TOMORROW

FILLED = {"string": "x", "bigint": 0, "int": 0, "double": 0.0, "boolean": False}


def test_the_screen_names_five_customers_what_to_do_and_why():
    lines = [line.strip() for line in summary(FULL)]
    assert [line[0] for line in lines if re.match(r"\d\. customer", line)] == list("12345")
    assert (
        "1. customer c1: HIGH, At Risk, churn probability 50 %, value at risk 300 of 600" in lines
    )
    assert "do:   Send ten on 2 Jan 2018; Call; Write" in lines
    assert "why:  no purchase for 45 days; age band" in lines
    # The second one has no known factor, so the plan's sentence says why.
    assert "do:   Send ten on 2 Jan 2018" in lines
    assert "why:  Leaves within 30 days with 50.0 %." in lines
    # The third one is new.
    assert (
        "why:  known for too few days for the model, so the probability is the average of new "
        "customers" in lines
    )


def test_the_screen_says_so_if_the_lake_is_empty():
    assert "No customers are known on 1 Jan 2018" in "".join(summary(EMPTY))


def test_a_file_that_would_not_change_is_not_written(tmp_path):
    path = tmp_path / "lake" / "report.html"
    assert Location.of(path).update(io.BytesIO(b"one"))
    before = path.stat().st_mtime_ns
    assert not Location.of(path).update(io.BytesIO(b"one"))
    assert path.stat().st_mtime_ns == before
    assert Location.of(path).update(io.BytesIO(b"two")) and path.read_text() == "two"
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_the_report_takes_the_currency_of_the_purchases():
    report = {"locale": "de", "currency": None, "acquisition_cost": None, "owners": {}}
    given = queries.settings_figures(load("demo", currency="EUR", report=report))
    assert given["report"].currency == "EUR"


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """The context of a DuckDB lake with one purchase, and a function that writes rows to a table."""
    # MLflow needs a Spark session, which this engine does not have.
    monkeypatch.setattr(queries, "champion_data", lambda settings, comparison: None)
    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(tmp_path / "lakehouse")
    context = Context(
        Settings(**values), RunInfo("test"), Progress(is_quiet=True), AS_OF, engine="duckdb"
    )

    def write(name, *rows):
        table = catalog.tables()[name]
        needed = {c.name: FILLED.get(c.type) for c in table.columns if not c.nullable}
        data = pa.Table.from_pylist([needed | row for row in rows], schema=arrow_schema(table))
        write_deltalake(context.lake.path(name), data, mode="append")

    # as_of may not be later than the last day with a purchase.
    moment = dt.datetime(2018, 1, 1, 4, tzinfo=dt.UTC)
    times = {"purchased_at": moment, "known_at": moment}
    write("silver.transactions", times | {"amount": Decimal("1.00")})
    return context, write


def write_two_dates(write, stakes=None):
    """Customer a moves from Champions to At Risk and leaves; b was Lost and comes back."""
    for as_of, rows in (
        (BEFORE, (("a", "active", "Champions", 80.0), ("b", "lost", "Lost", 10.0))),
        (AS_OF, (("a", "silent", "At Risk", 80.0), ("b", "active", "Promising", 10.0))),
    ):
        for customer, lifecycle, segment, monetary in rows:
            row = {"as_of": as_of, "customer_id": customer, "lifecycle": lifecycle}
            more = {"segment": segment, "segment_group": "New", "monetary": monetary}
            write("gold.customer_segments", row | more)
    scores = {"churn_probability": 0.5, "risk_level": "MEDIUM", "score_basis": "rule"}
    stakes = stakes or {"a": {"value_at_stake": 80.0}, "b": {"value_at_stake": 10.0}}
    for customer in "ab":
        row = {"as_of": AS_OF, "customer_id": customer} | scores | stakes[customer]
        write("gold.customer_scores", row)
    factor = {"as_of": AS_OF, "customer_id": "a", "feature": "recency_days", "value": "40"}
    write("gold.risk_factors", factor | {"rank": 1, "impact": 0.5, "direction": "increase"})
    way = {"as_of": AS_OF, "previous_as_of": BEFORE, "customers": 1}
    write("gold.segment_migration", way | {"from_segment": "Champions", "to_segment": "At Risk"})
    for customer, churned, recency in (("a", 1, 5), ("b", 0, 95)):
        key = {"customer_id": customer, "as_of": BEFORE}
        label = {"horizon_days": 30, "lead_days": 0, "churned": churned}
        write("features.labels", key | label)
        write("features.transactions", key | {"recency_days": recency})


@pytest.mark.duckdb_only
def test_the_data_of_a_lake_with_two_dates(lake):
    context, write = lake
    write_two_dates(write)
    data = queries.gather(context)
    assert data.lifecycles == {"active": 1, "silent": 1}
    assert data.at_risk_unit == "money" and data.list_source is None
    assert [(c["customer_id"], c["at_risk"], c["at_stake"]) for c in data.customers] == [
        ("a", 0.5 * 80, 80.0),
        ("b", 0.5 * 10, 10.0),
    ]
    assert [f["feature"] for f in data.customers[0]["factors"]] == ["recency_days"]
    assert [s["segment"] for s in data.segments] == data.segment_order
    assert [s["segment"] for s in data.segments if s["customers"]] == ["Promising", "At Risk"]
    assert [(m["from_segment"], m["to_segment"]) for m in data.moves] == [("Champions", "At Risk")]
    assert data.tested_as_of == BEFORE
    assert [(r["segment"], r["customers"], r["churned"]) for r in data.tested] == [
        ("Champions", 1, 1),
        ("Lost", 1, 0),
    ]
    silent = {r["silent_days"]: (r["rows"], r["returned"]) for r in data.silences}
    # The last purchase of a was 5 days ago, that of b 95 days ago.
    assert silent == {0: (2, 1), 1: (2, 1), 7: (1, 1), 30: (1, 1), 60: (1, 1), 90: (1, 1)}
    rows = {t["table"]: t["rows"] for t in data.tables}
    assert rows["gold.customer_segments"] == 2  # as_of only, not both dates
    assert rows["features.transactions"] == 0


def shown_first(data):
    """The lines of the customers to contact first, as the screen shows them."""
    return [line.strip() for line in summary(data) if re.match(r"\d\.|   do:", line)]


@pytest.mark.duckdb_only
def test_the_list_is_the_default_plan_until_offers_are_decided(lake):
    """By risk a comes first. The plan chooses b alone; the decision of offers sends a an offer."""
    context, write = lake
    write_two_dates(write)
    plan = {"as_of": AS_OF, "is_chosen": True, "offer_id": "discount_10", "send_on": TOMORROW}
    for strategy, customer in (("net_value", "b"), ("random", "a")):
        write(
            "gold.retention_plan", plan | {"strategy": strategy, "customer_id": customer, "rank": 1}
        )
    figures = {"strategy": "net_value", "other_strategy": "net_value", "chosen": 1}
    write("gold.strategy_comparison", {"as_of": AS_OF, "value_kept": 7.0} | figures)
    data = queries.gather(context)
    assert (data.list_source, data.listed, data.listed_totals["at_risk"]) == (
        "retention_plan",
        1,
        0.5 * 10,
    )
    assert [(r["strategy"], r["value_kept"]) for r in data.strategies] == [("net_value", 7.0)]
    assert shown_first(data) == [
        "1. customer b: MEDIUM, Promising, churn probability 50 %, value at risk 5.00 of 10.00",
        "do:   Send discount_10 on 2 Jan 2018",
    ]
    # A decision of another date does not cover this one.
    decision = {"customer_id": "a", "offer_id": "loyalty_bonus", "send_on": TOMORROW}
    write("gold.offer_decisions", decision | {"as_of": BEFORE})
    slices = {name: context.slice(f"gold.{name}") for name in ("offer_decisions", "retention_plan")}
    customers = context.slice("gold.customer_scores")
    assert contact_list.source_of_list(slices, customers, "net_value")[0] == "retention_plan"
    write("gold.offer_decisions", decision | {"as_of": AS_OF, "timing": "now"})
    decided = queries.gather(context)
    assert decided.list_source == "offer_decisions"
    assert shown_first(decided) == [
        "1. customer a: MEDIUM, At Risk, churn probability 50 %, value at risk 40.00 of 80.00",
        "do:   Send loyalty_bonus on 2 Jan 2018",
    ]


@pytest.mark.duckdb_only
def test_the_list_says_how_many_customers_are_held_back(lake):
    """a said yes on the day before, b has no profile. c has no score and is not listed."""
    context, write = lake
    write_two_dates(write)
    plan = {"as_of": AS_OF, "strategy": "net_value", "is_chosen": True, "offer_id": "discount_10"}
    for rank, customer in enumerate("abc", 1):
        write("gold.retention_plan", plan | {"customer_id": customer, "rank": rank})
    moment = dt.datetime(2017, 12, 31, tzinfo=dt.UTC)
    profile = {"customer_id": "a", "is_opted_out": False, "valid_from": moment, "known_at": moment}
    write("silver.customers", profile)
    assert queries.gather(context).listed_without_consent == 0  # the demo contacts all
    strict = ContactSettings(when_consent_unknown="do_not_contact")
    context.settings = context.settings.model_copy(update={"contact": strict})
    data = queries.gather(context)
    assert (data.listed, data.listed_without_consent) == (2, 1)
    assert contact_texts.first_customers(data).startswith(
        "The list holds the customers chosen by the strategy net_value (gold.retention_plan): 2 "
        "customers. 1 of 2 listed customers are held back from delivery: their consent is unknown "
        "(silver.customers.is_opted_out is null or there is no profile). Map is_opted_out, or set "
        "contact.when_consent_unknown: contact in conf to contact them. They hold"
    )


@pytest.mark.duckdb_only
def test_a_company_without_amounts_counts_purchases_at_risk(lake):
    context, write = lake
    purchases = {c: {"expected_purchases_30d": n} for c, n in (("a", 2.0), ("b", 5.0))}
    write_two_dates(write, purchases)
    data = queries.gather(context)
    assert shown_first(data)[::2] == [
        "1. customer b: MEDIUM, Promising, churn probability 50 %, purchases at risk 2.5 of 5",
        "2. customer a: MEDIUM, At Risk, churn probability 50 %, purchases at risk 1 of 2",
    ]
    assert "Purchases at risk" in page(data) and ">0.00<" not in page(data)


def test_without_amounts_and_purchases_no_amount_is_shown():
    data = dataclasses.replace(FULL, at_risk_unit="nothing")
    assert shown_first(data)[:2] == [
        "1. customer c1: HIGH, At Risk, churn probability 50 %",
        "do:   Send ten on 2 Jan 2018; Call; Write",
    ]
    assert not re.search("(value|purchases) at risk", page(data), re.IGNORECASE)


@pytest.mark.duckdb_only
def test_a_second_report_of_the_same_lake_changes_nothing(lake):
    context, write = lake
    write_two_dates(write)
    assert write_report(context).listed == 2
    files = sorted(Path(context.settings.root).glob("report*"))
    assert [f.name for f in files] == ["report-contacts.csv", "report-details.html", "report.html"]
    first = [(f.read_bytes(), f.stat().st_mtime_ns) for f in files]
    write_report(context)
    assert [(f.read_bytes(), f.stat().st_mtime_ns) for f in files] == first


@pytest.mark.duckdb_only
def test_the_page_shows_the_first_customers_and_the_file_the_whole_list(lake):
    """25 customers, c24 with the highest risk first: the page shows 10 of them."""
    context, write = lake
    for n in range(25):
        row = {"as_of": AS_OF, "customer_id": f"c{n:02}"}
        more = {"lifecycle": "active", "segment": "Champions", "segment_group": "High-value"}
        write("gold.customer_segments", row | more)
        risk = {"churn_probability": n / 100, "risk_level": "LOW", "score_basis": "model"}
        write("gold.customer_scores", row | risk | {"value_at_stake": 10.0})
        factor = {"feature": "recency_days", "value": str(n), "direction": "increase"}
        write("gold.risk_factors", row | factor | {"rank": 1, "impact": 0.5})
    write_report(context)
    path = Path(context.settings.root / "report.html")
    shown_ids = re.findall(r"<strong>(c\d\d)</strong>", path.read_text())
    assert shown_ids == [f"c{n:02}" for n in range(24, 14, -1)]
    file = path.with_name("report-contacts.csv").read_text(encoding="utf-8-sig")
    rows = [line.split(",") for line in file.splitlines()[1:]]
    assert [row[1] for row in rows] == [f"c{n:02}" for n in range(24, -1, -1)]
    assert rows[0][5] == "no purchase for 24 days"


@pytest.mark.duckdb_only
def test_the_trend_has_every_scored_date_up_to_as_of(lake):
    context, write = lake
    write_two_dates(write)
    score = {"customer_id": "a", "churn_probability": 0.25, "value_at_stake": 8.0}
    later = dt.date(2018, 2, 1)
    for day in (BEFORE, later):
        write("gold.customer_scores", score | {"as_of": day})
    before, now = queries.gather(context).trend
    assert (before["as_of"], now["as_of"]) == (BEFORE, AS_OF)
    # a was silent for 5 days and left; b was lost. Both were known.
    assert (before["customers"], before["churned"], before["known"]) == (1, 1, 2)
    assert (before["probability"], before["at_risk"]) == (0.25, 0.25 * 8)
    assert (now["scored"], now["at_risk"]) == (2, 0.5 * 80 + 0.5 * 10)


@pytest.mark.duckdb_only
def test_a_lake_without_features_or_gold_still_gets_its_report(lake):
    context, _ = lake
    write_report(context)
    html = Path(context.settings.root / "report.html").read_text()
    assert "No customers are known on 1 Jan 2018" in html


@pytest.mark.duckdb_only
def test_labels_whose_window_ends_after_as_of_are_ignored(lake):
    context, write = lake
    write_two_dates(write)
    late = {"customer_id": "a", "as_of": AS_OF, "horizon_days": 30, "lead_days": 0, "churned": 1}
    write("features.labels", late)  # from a later run: the window ends on 2018-01-31
    assert queries.gather(context).tested_as_of == BEFORE
