"""The commands that write a table, as contracts/writers.py declares them."""

from __future__ import annotations

import pkgutil
from fnmatch import fnmatchcase

import jobs
from contracts.catalog import tables
from contracts.writers import WRITERS, held_tables, may_write, writers_of

SOURCES = {"receipts": "transactions", "members": "customers", "shop": "transactions"}
# They write no table of the lakehouse.
READERS = {"check", "fetch_sources", "fill_online_store", "init", "make_api_key"}


def test_a_command_holds_the_tables_of_the_sources_of_conf_each_once():
    assert held_tables("ingest", SOURCES) == (
        *("bronze.receipts", "bronze.members", "bronze.shop"),
        *("silver.transactions", "silver.customers"),
        *("bronze.ingest_log", "silver.quarantine"),
    )
    assert held_tables("ingest", {}) == ("bronze.ingest_log", "silver.quarantine")
    assert held_tables("no_command", SOURCES) == ()


def test_a_command_may_write_what_it_holds_and_what_it_leases_at_a_commit():
    assert may_write("ingest", "silver.customers", SOURCES)
    assert not may_write("ingest", "silver.reviews", SOURCES)
    assert may_write("write_messages", "gold.messages", {})
    assert may_write("write_messages", "gold.text_pool", {})
    assert not may_write("write_messages", "gold.outbox", {})
    assert may_write("maintain", "bronze.receipts", {})
    assert not may_write("no_command", "gold.messages", {})


def test_every_table_has_a_command_that_writes_it():
    sources = {name: name for name in ("transactions", *_silver())}
    assert [name for name in tables() if not writers_of(name, sources)] == []
    assert writers_of("gold.outbox", {}) == ("trigger_engagement", "deliver_outbox")
    assert writers_of("gold.model_comparison", {}) == ("train_churn", "fit_lifetime")


def test_every_declared_name_is_a_table_or_stands_for_files_or_aliases():
    declared = {name for w in WRITERS.values() for name in (*w.held, *w.at_commit)}
    known = {*tables(), "*", "bronze.{source}", "silver.{table}"}
    assert {n for n in declared if n not in known} == {
        *("files.simulation", "files.pipeline", "models.churn")
    }


def test_every_command_is_declared():
    commands = {module.name for module in pkgutil.iter_modules(jobs.__path__)}
    assert commands == READERS | set(WRITERS) - {"app"}  # the app is no command


def test_no_commands_wait_for_each_other_forever():
    """A command that holds tables waits for those that it leases at a commit. Command -> commands
    that may hold these from start to end. Without a cycle one of them always goes on."""
    sources = {name: name for name in _silver()}
    waits_for = {
        command: {
            other
            for other in WRITERS
            if held_tables(command, sources)  # who holds nothing blocks nobody
            and any(
                fnmatchcase(name, pattern)
                for name in held_tables(other, sources)
                for pattern in writer.at_commit
            )
        }
        for command, writer in WRITERS.items()
    }
    assert waits_for["deliver_outbox"] == {"trigger_engagement"}
    # The steps of run_pipeline hold their own tables, and lease its tables at a commit too.
    steps = set(WRITERS) - {"run_pipeline", "maintain"}
    for step in steps:
        waits_for[step] |= waits_for["run_pipeline"] - {step}
    for command in WRITERS:
        assert command not in _reached(waits_for, command), command


def _silver():
    return [name.partition(".")[2] for name in tables() if name.startswith("silver.")]


def _reached(waits_for, command):
    """All commands that `command` waits for, directly or not."""
    reached, new = set(), set(waits_for[command])
    while new:
        reached |= new
        new = {other for name in new for other in waits_for[name]} - reached
    return reached
