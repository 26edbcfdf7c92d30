"""Write the sources of a simulated company, and apart from them the truth behind them."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.context import Context
from runtime.errors import UsageError
from runtime.lakehouse.writes import Write

if TYPE_CHECKING:
    import pandas as pd

    from simulator.world import World

MANIFEST = "simulation.json"
# Files of answers to the plan of a day are numbered from here, by the day.
FIRST_ANSWERS = 1000


def run(context: Context) -> None:
    """lakehouse-<env>-sources/ and lakehouse-<env>-truth/, unless they are there already."""
    from simulator.files import SOURCES, TRUTH

    wanted = manifest(context)
    found = written(sources_folder(context) / MANIFEST)
    if found == wanted:
        return context.progress.say(f"      unchanged   {described(wanted)}")
    if found is not None:
        raise another_company(context, found, wanted)
    if context.is_dry:
        return context.progress.say(f"      would simulate {described(wanted)}")
    for folder in (sources_folder(context), truth_folder(context)):
        # What a killed run left; only a finished one has a manifest, and nothing was read from it.
        shutil.rmtree(folder, ignore_errors=True)
    for name in SOURCES:
        write(context, name, sources_folder(context) / name)
    for name in TRUTH:
        write(context, name, truth_folder(context) / name)
    (sources_folder(context) / MANIFEST).write_text(json.dumps(wanted))
    context.progress.say(f"      simulated   {described(wanted)}")
    return None


def sources_folder(context: Context) -> Path:
    """Where the simulated company delivers its files."""
    return beside(context.settings.root, "sources")


def truth_folder(context: Context) -> Path:
    """Where the truth lies: beside the lakehouse, in no table that a job can name."""
    return beside(context.settings.root, "truth")


def beside(root: Path, kind: str) -> Path:
    """A folder beside the lakehouse, named after it."""
    return root.with_name(f"{root.name}-{kind}")


def simulated_world(context: Context) -> World:
    """The company of conf; UsageError where the environment is a real one."""
    from simulator.world import World

    simulation = context.settings.simulation
    if simulation is None:
        raise UsageError(
            f"--env {context.settings.env}: has no section `simulation`, so its sources are real. "
            "Use --env simulated, or add the section to a file of your own."
        )
    return World(seed=simulation.seed, customers=simulation.customers)


def manifest(context: Context) -> dict[str, Any]:
    """What the tables depend on: the seed, the size, and the simulator's own text."""
    world = simulated_world(context)
    files = sorted(importlib.resources.files("simulator").iterdir(), key=lambda f: f.name)
    text = b"".join(f.read_bytes() for f in files if f.name.endswith(".py"))
    code = hashlib.sha256(text).hexdigest()[:12]
    return {"seed": world.seed, "customers": world.customers, "simulator": code}


def written(path: Path) -> dict[str, Any] | None:
    """The manifest of a finished simulation; None: there is none."""
    return json.loads(path.read_text()) if path.exists() else None


def described(manifest: dict[str, Any]) -> str:
    """The company in a few words."""
    return f"{manifest['customers']:,} customers, seed {manifest['seed']}"


def another_company(context: Context, found: dict, wanted: dict) -> UsageError:
    """The error for files of another seed, size or simulator."""
    folders = (context.settings.root, sources_folder(context), truth_folder(context))
    names = ", ".join(folder.name for folder in folders)
    return UsageError(
        f"{sources_folder(context).name}: holds {described(found)} of simulator "
        f"{found['simulator']}, wanted are {described(wanted)} of {wanted['simulator']}. Two "
        f"companies must not mix. Remove {names}, or put simulation.seed and customers back."
    )


def write(context: Context, name: str, folder: Path) -> None:
    """One table as Parquet; a file a quarter where the table has `file_number`."""
    from simulator.files import SOURCES, TRUTH

    ddl = {**SOURCES, **TRUTH}[name].columns
    rows = context.spark.range(simulated_world(context).customers).mapInPandas(
        table_maker(name, simulated_world(context)), ddl
    )
    if "file_number" not in rows.columns:
        rows.coalesce(1).write.parquet(str(folder))
        return
    rows.repartition("file_number").write.partitionBy("file_number").parquet(str(folder))


def approve(context: Context) -> None:
    """Release the messages of the plan of as_of: a simulated company has nobody to read them."""
    from pyspark.sql import functions as F

    table = context.table("gold.messages")
    held = context.read(table.name).where(f"campaign_id = '{plan_name(context)}' AND NOT approved")
    columns = [F.lit(True).alias(c) if c == "approved" else F.col(c) for c in table.column_names]
    if held.take(1):
        context.write([Write(table, held.select(*columns), mode="merge")])


def plan_name(context: Context) -> str:
    """The campaign of the plan of as_of."""
    return f"plan-{context.as_of}"


def answer(context: Context, days: int) -> None:
    """What the customers bought in the days from as_of on, given what deliver_outbox sent them of
    the plan of as_of: new files among the sources, written once a plan."""
    from simulator.files import SOURCES
    from simulator.world import FIRST_DAY

    day = (context.as_of - FIRST_DAY).days
    folder = sources_folder(context)
    target = folder / "transactions" / f"file_number={FIRST_ANSWERS + day}"
    if target.exists():
        return context.progress.say(f"      unchanged   answers to the plan of {context.as_of}")
    if context.is_dry:
        return context.progress.say(f"      would simulate answers to the plan of {context.as_of}")
    context.needs("gold.offer_decisions", "decide_offers")
    plan = sent_offers(context)
    for name in ("redemptions", "transactions"):
        draft = folder / f".answers-{name}"
        shutil.rmtree(draft, ignore_errors=True)
        columns = [c for c in SOURCES[name].columns.split(", ") if "file_number" not in c]
        made = answer_maker(name, simulated_world(context), day + days, plan_name(context))
        plan.mapInPandas(made, ", ".join(columns)).coalesce(1).write.parquet(str(draft))
        if name == "transactions":
            # The last to appear: with it the answers are complete.
            draft.rename(target)
            continue
        for part in draft.glob("part-*"):
            part.rename(folder / name / f"answers-{context.as_of}.parquet")
        shutil.rmtree(draft)
    return context.progress.say(
        f"      simulated   {days} days of answers to the plan of {context.as_of}"
    )


def sent_offers(context: Context) -> Any:
    """One row a customer of the company: id, offer (place in OFFERS, -1 none), day of sending."""
    from pyspark.sql import functions as F

    from simulator.world import FIRST_DAY, OFFERS

    place = F.lit(-1)
    for number, name in enumerate(OFFERS):
        place = F.when(F.col("offer_id") == name, number).otherwise(place)
    taken = context.read("gold.outbox_deliveries").where("status = 'sent'").select("contact_id")
    contacts = context.read("gold.outbox").where(f"campaign_id = '{plan_name(context)}'")
    sent = contacts.join(taken, on="contact_id", how="inner").select(
        F.substring("customer_id", 2, 12).cast("bigint").alias("id"),
        place.alias("offer"),
        F.datediff(F.col("triggered_on"), F.lit(FIRST_DAY)).alias("day"),
    )
    everybody = context.spark.range(simulated_world(context).customers)
    joined = everybody.join(sent, on="id", how="left")
    return joined.select(
        "id",
        F.coalesce("offer", F.lit(-1)).alias("offer"),
        F.coalesce("day", F.lit(0)).alias("day"),
    )


def answer_maker(
    name: str, world: World, until: int, campaign: str
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: rows of sent_offers in, rows of the source out."""

    def make(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from simulator.files import SOURCES, answer_lines, answer_redemptions
        from simulator.responses import answers

        columns = [c for c in SOURCES[name].names if c != "file_number"]
        for batch in batches:
            if len(batch):
                ids, offers, days = (batch[c].to_numpy("int64") for c in ("id", "offer", "day"))
                bought, redeemed = answers(ids, offers, days, world, until)
                rows = (
                    answer_lines(bought)
                    if name == "transactions"
                    else answer_redemptions(redeemed, ids, campaign, world)
                )
                yield rows[columns]

    return make


def table_maker(
    name: str, world: World
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """A function for mapInPandas: customers' numbers in, their rows of a table out."""

    def make(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        from simulator.files import rows_of

        for batch in batches:
            if len(batch):
                yield rows_of(name, batch["id"].to_numpy(), world)

    return make
