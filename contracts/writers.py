"""Which commands write a table. A command holds a lease on each table that it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Writer:
    """What a command writes. {source} and {table}: each source of conf, and its silver table.

    held: leased from the start of the command to its end, since it reads them, or computes for
    them, before it writes. at_commit: leased by each commit only. These are tables to which several
    commands add rows, and none of them must wait until a long one has ended. A name without a
    contract stands for files of a command, or for the aliases of a registered model.
    """

    held: tuple[str, ...] = ()
    at_commit: tuple[str, ...] = ()


_FEATURES = ("features.demographics", "features.behavior", "features.transactions")
_ALL = ("maintain", "erase_customer")
_OF_ERASURE = ("silver.erasure_list", "gold.erasures")
_INGESTED = ("bronze.{source}", "silver.{table}", "bronze.ingest_log", "silver.quarantine")

WRITERS: dict[str, Writer] = {
    "ingest": Writer(_INGESTED),
    "build_features": Writer((*_FEATURES, "features.labels")),
    # Training takes long. Meanwhile fit_lifetime adds rows to model_comparison, and roll_back moves
    # the aliases of the registered model.
    "train_churn": Writer(("gold.feature_sets",), ("gold.model_comparison", "models.churn")),
    "validate_model": Writer(("gold.model_validations",), ("models.churn",)),
    "deploy_model": Writer(("models.churn",)),
    "roll_back": Writer(("models.churn",)),
    "fit_lifetime": Writer(
        (
            "gold.lifetime_models",
            "gold.clv_backtest",
            "gold.segment_survival",
            "gold.customer_lifetime",
        ),
        ("gold.model_comparison",),
    ),
    "score_customers": Writer(
        (
            "gold.customer_segments",
            "gold.segment_migration",
            "gold.customer_scores",
            "gold.risk_factors",
            "gold.churn_reasons",
            "gold.churn_by_horizon",
            "gold.satisfaction",
            "gold.model_arms",
        )
    ),
    "compare_models": Writer(("gold.model_ab",)),
    "plan_retention": Writer(("gold.retention_plan", "gold.strategy_comparison")),
    "estimate_uplift": Writer(
        ("gold.offer_effects", "gold.uplift_results", "gold.policy_comparison")
    ),
    "decide_offers": Writer(("gold.offer_decisions", "gold.offer_plan", "gold.hold_out")),
    # It asks Claude for hours; a person approves texts meanwhile.
    "write_messages": Writer(("gold.messages",), ("gold.text_pool",)),
    "approve_texts": Writer((), ("gold.text_pool",)),
    "trigger_engagement": Writer(("gold.outbox",)),
    # It sends for long; rules add contacts to the outbox meanwhile.
    "deliver_outbox": Writer(("gold.outbox_deliveries",), ("gold.outbox",)),
    "measure_campaigns": Writer(("gold.campaign_results", "gold.text_results")),
    "monitor": Writer(
        (
            "gold.drift",
            "gold.model_performance",
            "gold.surprise_leavers",
            "gold.decision_ledger",
            "gold.promise_results",
            "gold.alerts",
        )
    ),
    "train_fraud": Writer((), ("models.fraud",)),
    "score_payments": Writer(("gold.fraud_scores",)),
    # Each micro-batch takes the leases of all its tables together.
    "stream_events": Writer(
        (),
        (
            "silver.engagement_events",
            "silver.quarantine",
            "bronze.stream_log",
            "features.behavior_live",
            "gold.engagement_live",
            "gold.outbox",
        ),
    ),
    # Its log writer commits every few seconds.
    "serve": Writer((), ("gold.inference_log", "gold.fraud_scores")),
    # No command: what people enter in the browser.
    "app": Writer((), ("silver.task_outcomes", "gold.text_pool", "gold.app_changes")),
    "check_inference_log": Writer(("gold.inference_checks",)),
    "simulate": Writer(("files.simulation",)),
    # Its steps hold the leases of their commands. A simulated company approves and books itself.
    "run_pipeline": Writer(("files.pipeline",), ("gold.text_pool", "silver.fulfilments")),
    "make_pseudonyms": Writer(("silver.pseudonyms",)),
    "maintain": Writer((), ("*",)),
    # It takes the leases of all tables at once, when they are free.
    "erase_customer": Writer((), ("*",)),
}


def held_tables(command: str, sources: Mapping[str, str]) -> tuple[str, ...]:
    """The tables that a command holds from start to end. sources: silver table by source."""
    return _filled(WRITERS[command].held, sources) if command in WRITERS else ()


def may_write(command: str, table: str, sources: Mapping[str, str]) -> bool:
    """Whether the command declares that it writes the table."""
    writer = WRITERS.get(command, Writer())
    patterns = _filled((*writer.held, *writer.at_commit), sources)
    return any(fnmatchcase(table, pattern) for pattern in patterns)


def writers_of(table: str, sources: Mapping[str, str]) -> tuple[str, ...]:
    """The commands that write a table, without those of _ALL, which write every table.

    Only erase_customer makes the tables of erasure.
    """
    own = tuple(c for c in WRITERS if c not in _ALL and may_write(c, table, sources))
    return own or ("erase_customer",) * (table in _OF_ERASURE)


def all_leases(sources: Mapping[str, str]) -> tuple[str, ...]:
    """Every name that some command leases. Who holds all of them knows that no command is at work,
    except one that only reads."""
    names = [name for writer in WRITERS.values() for name in (*writer.held, *writer.at_commit)]
    return _filled((name for name in names if name != "*"), sources)


def _filled(names: Iterable[str], sources: Mapping[str, str]) -> tuple[str, ...]:
    """The names, with those of each source in place of {source} and {table}."""
    filled: dict[str, None] = {}  # several sources may fill one table
    for name in names:
        given = sources.items() if "{" in name else [("", "")]
        filled |= {name.format(source=source, table=table): None for source, table in given}
    return tuple(filled)
