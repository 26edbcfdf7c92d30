"""The job simulate on Spark: complete files that do not depend on partitions, written once."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest

from pipelines.ingestion import source_ingestion
from pipelines.simulation import company_files
from simulator.files import SOURCES, TRUTH, rows_of

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]

SIMULATION = {"customers": 40, "seed": 5}


@pytest.fixture(scope="module")
def company(spark, tmp_path_factory):
    """A small company on disk: the context of its job."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import load

    root = tmp_path_factory.mktemp("company") / "lake"
    settings = load(
        "simulated", simulation=SIMULATION, lakehouse={"root": str(root), "catalog": None}
    )
    sources = {
        name: source.model_copy(
            update={"path": source.path.replace("lakehouse-simulated-sources", f"{root}-sources")}
        )
        for name, source in settings.sources.items()
    }
    settings = settings.model_copy(update={"sources": sources})
    context = Context(settings, RunInfo("test"), Progress(is_quiet=True))
    company_files.run(context)
    return context


@pytest.mark.parametrize("name", [*SOURCES, *TRUTH])
def test_files_hold_the_rows_of_all_customers_for_any_partitions(company, name):
    folder = (
        company_files.sources_folder(company)
        if name in SOURCES
        else company_files.truth_folder(company)
    )
    world = company_files.simulated_world(company)
    stored = company.spark.read.parquet(str(folder / name)).toPandas()
    wanted = rows_of(name, np.arange(world.customers), world)
    columns = list(wanted.columns)
    wanted = wanted.astype(stored[columns].dtypes)

    def ordered(rows):
        return rows[columns].sort_values(columns, ignore_index=True)

    pd.testing.assert_frame_equal(ordered(stored), ordered(wanted), check_dtype=False)


def test_a_second_run_writes_nothing(company):
    folder = company_files.sources_folder(company)
    before = sorted((p.as_posix(), p.stat().st_mtime_ns) for p in folder.rglob("*"))
    company_files.run(company)
    assert sorted((p.as_posix(), p.stat().st_mtime_ns) for p in folder.rglob("*")) == before
    assert json.loads((folder / company_files.MANIFEST).read_text())["customers"] == 40


def test_ingest_loads_the_files_and_drops_duplicates(company):
    source_ingestion.run(company)
    world = company_files.simulated_world(company)
    for source, table in (("transactions", "transactions"), ("engagement", "engagement_events")):
        rows = rows_of(source, np.arange(world.customers), world)
        key = company.settings.sources[source].key
        assert company.read(f"silver.{table}").count() == len(rows.drop_duplicates(key))
    assert company.read("silver.quarantine").count() == 0


@pytest.fixture(scope="module")
def delivered(company):
    """The company, with a message of its plan to every second customer, c0000001 to c0000039.

    The message to the first one could not be delivered.
    """
    from runtime.lakehouse.writes import Write
    from tests.jobs.decision_lake import rows_of as decided

    day, plan = company.as_of, f"plan-{company.as_of}"
    decisions = [{"as_of": day, "customer_id": "c0000001", "campaign_id": plan}]
    contacts = [
        {
            "customer_id": f"c{n:07d}",
            "rule": plan,
            "campaign_id": plan,
            "contact_id": f"{n}",
            "offer_id": "discount_20",
            "triggered_on": day + dt.timedelta(days=1 + n % 3),
            "status": "dead" if n == 1 else "sent",
        }
        for n in range(1, 40, 2)
    ]
    # Contacts of another plan and of a rule.
    contacts += [
        {**contacts[0], "customer_id": "c0000002", "status": "sent", "contact_id": rule} | other
        for rule, other in (
            ("plan-0", {"rule": "plan-0", "campaign_id": "plan-0"}),
            ("call", {"rule": "call", "campaign_id": None}),
        )
    ]
    writes = {"gold.offer_decisions": decisions}
    writes |= dict.fromkeys(("gold.outbox", "gold.outbox_deliveries"), contacts)
    company.lake.commit(
        [
            Write(company.table(n), decided(company, n, rows), [day], mode, is_checked=False)
            for (n, rows), mode in zip(writes.items(), ("slice", "merge", "merge"), strict=True)
        ]
    )
    return company


def test_only_delivered_messages_of_the_plan_are_answered(delivered):
    from simulator import world as w

    offers = {
        r["id"]: (r["offer"], r["day"]) for r in company_files.sent_offers(delivered).collect()
    }
    sent = {n: (w.OFFERS.index("discount_20"), w.DAYS + n % 3) for n in range(3, 40, 2)}
    assert offers == {**dict.fromkeys(range(40), (-1, 0)), **sent}


def test_answers_to_a_plan_are_new_files_that_ingest_loads_once(delivered):
    from simulator import world as w
    from simulator.responses import answers

    company = delivered
    before = company.read("silver.transactions").count()
    company_files.answer(company, 31)
    company_files.answer(company, 31)
    source_ingestion.run(company)

    ids = np.arange(40)
    sent = (ids % 2 == 1) & (ids != 1)
    offers = np.where(sent, w.OFFERS.index("discount_20"), -1)
    world = company_files.simulated_world(company)
    lines, _ = answers(ids, offers, w.DAYS + ids % 3, world=world, until=w.DAYS + 30)
    assert company.read("silver.transactions").count() - before == len(lines) > 0
    source_ingestion.run(company)
    assert company.read("silver.transactions").count() - before == len(lines)
