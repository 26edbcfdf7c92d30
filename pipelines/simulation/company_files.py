"""Write the source files of a simulated company, and its truth to a separate folder."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.resources
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from runtime.context import Context
from runtime.errors import UsageError
from runtime.files import Location
from runtime.lakehouse.writes import Write
from runtime.settings.offers import load_offers
from runtime.wording import plural
from simulator.files import SOURCES, TRUTH, answer_lines, answer_redemptions, rows_of
from simulator.responses import answers
from simulator.world import FIRST_DAY, OFFERS, World
from transforms import simulated_answers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The manifest is written last. A folder without it holds what a killed run left.
MANIFEST = "simulation.json"
# The answers to the plan of a day are in the file of number FIRST_ANSWERS + day.
FIRST_ANSWERS = 1000


def run(context: Context) -> None:
    """Write lakehouse-<env>-sources/ and lakehouse-<env>-truth/, unless they exist already.

    UsageError if they hold another company.
    """
    wanted, file = manifest(context), sources_folder(context) / MANIFEST
    existing = written(file)
    if existing == wanted:
        return context.progress.say(f"      unchanged   {described(wanted)}")
    if existing is not None:
        raise another_company(context, existing, wanted)
    if context.is_dry:
        return context.progress.say(f"      would simulate {described(wanted)}")
    for folder in (sources_folder(context), truth_folder(context)):
        # Files of a killed run. No job has read them, because the run wrote no manifest.
        folder.delete_folder()
    for name in SOURCES:
        write(context, name, sources_folder(context) / name)
    for name in TRUTH:
        write(context, name, truth_folder(context) / name)
    file.write(json.dumps(wanted).encode())
    context.progress.say(f"      simulated   {described(wanted)}")
    return None


def sources_folder(context: Context) -> Location:
    """The folder to which the simulated company delivers its files."""
    return beside(context.settings.root, "sources")


def truth_folder(context: Context) -> Location:
    """The folder of the truth. It lies beside the lakehouse, so it is never a table of it."""
    return beside(context.settings.root, "truth")


def beside(root: Location, kind: str) -> Location:
    """The folder <lakehouse>-<kind> beside the lakehouse."""
    return root.with_name(f"{root.name}-{kind}")


def simulated_world(context: Context) -> World:
    """The company of the section `simulation` in conf. UsageError without that section."""
    simulation = context.settings.simulation
    if simulation is None:
        raise UsageError(
            f"--env {context.settings.env}: conf has no section `simulation`, so its sources are "
            "real data. Use --env simulated, or add the section to your own conf file."
        )
    return World(seed=simulation.seed, customers=simulation.customers)


def manifest(context: Context) -> dict[str, Any]:
    """What the files depend on: the seed, the number of customers and the simulator's code."""
    world = simulated_world(context)
    files = sorted(importlib.resources.files("simulator").iterdir(), key=lambda f: f.name)
    code = b"".join(f.read_bytes() for f in files if f.name.endswith(".py"))
    digest = hashlib.sha256(code).hexdigest()[:12]
    return {"seed": world.seed, "customers": world.customers, "simulator": digest}


def written(path: Location) -> dict[str, Any] | None:
    """The manifest of a finished simulation. None: no simulation has finished."""
    content = path.read()
    return None if content is None else json.loads(content)


def described(manifest: dict[str, Any]) -> str:
    """The company as messages name it: number of customers and seed."""
    return f"{plural(manifest['customers'], 'customer')}, seed {manifest['seed']}"


def another_company(
    context: Context, existing: dict[str, Any], wanted: dict[str, Any]
) -> UsageError:
    """The error for files of another seed, size or version of the simulator."""
    folders = (context.settings.root, sources_folder(context), truth_folder(context))
    names = ", ".join(folder.name for folder in folders)
    return UsageError(
        f"{sources_folder(context).name}: holds {described(existing)} of simulator "
        f"{existing['simulator']}, but conf asks for {described(wanted)} of simulator "
        f"{wanted['simulator']}. Different simulations must not be mixed. Remove {names}, or "
        f"restore simulation.seed and simulation.customers."
    )


def write(context: Context, name: str, folder: Location) -> None:
    """Write one table as Parquet: one file, or one per quarter if it has `file_number`."""
    ddl = {**SOURCES, **TRUTH}[name].columns
    rows = context.spark.range(simulated_world(context).customers).mapInPandas(
        table_maker(name, simulated_world(context)), ddl
    )
    if "file_number" not in rows.columns:
        rows.coalesce(1).write.parquet(str(folder))
        return
    rows.repartition("file_number").write.partitionBy("file_number").parquet(str(folder))


def approve(context: Context) -> bool:
    """Approve the texts that wait: a simulated company has no person to do it. True: some did."""
    table = context.table("gold.text_pool")
    moment = dt.datetime.combine(context.as_of, dt.time(), tzinfo=dt.UTC)
    approved = simulated_answers.approved_texts(context.read(table.name), moment)
    if not approved.take(1):
        return False
    context.write([Write(table, approved.select(*table.column_names), mode="merge")])
    return True


def book(context: Context) -> None:
    """Book the offers of the plan that must be booked: the company has no person to do it."""
    offers = [name for name, offer in load_offers().items() if offer.needs_fulfilment]
    moment = dt.datetime.combine(context.as_of, dt.time(), tzinfo=dt.UTC)
    rows = simulated_answers.bookings(context.slice("gold.offer_decisions"), offers, moment)
    table = context.table("silver.fulfilments")
    context.write([Write(table, rows, slices=[f"bookings-{plan_name(context)}"])])


def plan_name(context: Context) -> str:
    """The campaign_id of the plan of as_of."""
    return f"plan-{context.as_of}"


def answer(context: Context, days: int) -> None:
    """Write how customers responded to the offers of the plan of as_of that were sent.

    The new source files hold the purchases and redemptions of `days` days from as_of on. They are
    written once per plan.
    """
    day = (context.as_of - FIRST_DAY).days
    folder = sources_folder(context)
    target = folder / "transactions" / f"file_number={FIRST_ANSWERS + day}" / "answers.parquet"
    if target.parent.files():
        return context.progress.say(f"      unchanged   answers to the plan of {context.as_of}")
    if context.is_dry:
        return context.progress.say(f"      would simulate answers to the plan of {context.as_of}")
    context.needs("gold.offer_decisions", "decide_offers")
    plan = sent_offers(context)
    for name in ("redemptions", "transactions"):
        draft = folder / f".answers-{name}"
        draft.delete_folder()
        columns = [c for c in SOURCES[name].columns.split(", ") if "file_number" not in c]
        maker = answer_maker(
            name, simulated_world(context), day + days, campaign=plan_name(context)
        )
        plan.mapInPandas(maker, ", ".join(columns)).coalesce(1).write.parquet(str(draft))
        # One part file. The transactions come last: if their file exists, all answers do.
        redeemed = folder / name / f"answers-{context.as_of}.parquet"
        for part in (f for f in draft.files() if f.name.startswith("part-")):
            part.move(target if name == "transactions" else redeemed)
        draft.delete_folder()
    return context.progress.say(
        f"      simulated   {plural(days, 'day')} of answers to the plan of {context.as_of}"
    )


def sent_offers(context: Context) -> DataFrame:
    """One row per customer of the company: the offer that the plan of as_of sent (-1: none)."""
    return simulated_answers.sent_offers(
        context.spark.range(simulated_world(context).customers),
        context.read("gold.outbox").where(f"campaign_id = '{plan_name(context)}'"),
        context.read("gold.outbox_deliveries"),
        offers=OFFERS,
        first_day=FIRST_DAY,
    )


def answer_maker(
    name: str, world: World, until: int, *, campaign: str
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas from rows of sent_offers to rows of the source `name`."""
    columns = [c for c in SOURCES[name].names if c != "file_number"]

    def make(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                ids, offers, days = (batch[c].to_numpy("int64") for c in ("id", "offer", "day"))
                bought, redeemed = answers(ids, offers, days, world=world, until=until)
                rows = (
                    answer_lines(bought)
                    if name == "transactions"
                    else answer_redemptions(redeemed, ids, campaign, world=world)
                )
                yield rows[columns]

    return make


def table_maker(
    name: str, world: World
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas from customer numbers to the rows of a table."""

    def make(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            if len(batch):
                yield rows_of(name, batch["id"].to_numpy(), world)

    return make
