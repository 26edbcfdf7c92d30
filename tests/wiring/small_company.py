"""A small company taken through every command, step by step, in one Spark session.

The steps call the functions of the command lines. The same file therefore runs on an older checkout.
"""

from __future__ import annotations

import datetime as dt
import importlib.resources
import logging
import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from jobs import (
    build_features,
    compare_models,
    decide_offers,
    deliver_outbox,
    deploy_model,
    estimate_uplift,
    fit_lifetime,
    ingest,
    measure_campaigns,
    plan_retention,
    roll_back,
    score_customers,
    train_churn,
    trigger_engagement,
    validate_model,
    write_messages,
)
from tests.wiring import company_files as files, secret_values
from tests.wiring.company_files import CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, LAST_DAY, PLAN_1, PLAN_2
from udfs.survey_tokens import survey_token

# The first environment reads amounts as plain numbers and trains one stump. The second one reads a
# decimal comma too, and trains a model that is better by far.
FIRST, SECOND = "first", "second"
NOTED, LOG, OUTPUT = "noted.pickle", "log.txt", "output.txt"
DELIVERY_1 = PLAN_1 + dt.timedelta(days=2)
DELIVERY_2 = PLAN_2 + dt.timedelta(days=2)

MAPPINGS = {
    "receipts": {
        "table": "transactions",
        "key": ["order_id", "product_id"],
        "mapping": {
            "customer_id": "customer",
            "order_id": "receipt",
            "product_id": "article",
            "purchased_at": "time",
            "quantity": "units",
            "amount": "paid",
        },
    },
    "members": {
        "table": "customers",
        "mapping": {
            "customer_id": "customer",
            "first_name": "first_name",
            "email": "email",
            "language": "language",
            "is_opted_out": "opted_out",
            "region": "region",
            "plan": "plan",
        },
    },
    "visits": {
        "table": "engagement_events",
        "key": ["event_id"],
        "mapping": {
            "customer_id": "customer",
            "event_id": "visit",
            "kind": "kind",
            "occurred_at": "time",
            "feature": "feature",
            "duration_minutes": "minutes",
        },
    },
    "tickets": {
        "table": "support_tickets",
        "key": ["ticket_id"],
        "mapping": {
            "ticket_id": "ticket",
            "customer_id": "customer",
            "opened_at": "opened",
            "category": "category",
            "text": "text",
        },
    },
    "answers": {
        "table": "survey_answers",
        "mapping": {
            "customer_id": "customer",
            "token": "token",
            "answered_at": "time",
            "score": "rating",
            "text": "comment",
        },
    },
    "campaigns": {
        "table": "campaign_contacts",
        "key": ["customer_id", "campaign_id"],
        "mapping": {
            "customer_id": "customer",
            "campaign_id": "campaign",
            "offer_id": "nullif(offer, '')",
            "contacted_at": "time",
            "is_treated": "sent",
            "is_randomised": "random",
        },
    },
    "bookings": {
        "table": "fulfilments",
        "key": ["customer_id", "campaign_id"],
        "mapping": {
            "customer_id": "customer",
            "offer_id": "offer",
            "campaign_id": "campaign",
            "fulfilled_at": "time",
        },
    },
}

_FAMILIES = [
    "rhythm",
    "frequency",
    "spending",
    "products",
    "discounts",
    "engagement",
    "support",
    "reviews",
]
_STUMPS = {"n_estimators": 1, "max_depth": 1, "subsample": 1.0, "colsample_bytree": 1.0}
_TREES = {"n_estimators": 40, "max_depth": 3, "learning_rate": 0.1, "min_child_weight": 5}

# Contacts of rules go by e-mail, to a webhook and to a file, about a third of the risen each.
_RULES = [
    {
        **{"name": name, "to": ["CRITICAL", "HIGH", "MEDIUM"], "when": condition, "action": action},
        **{"offer_id": offer, "channel": channel, "period_days": 90, "valid_days": 7},
    }
    for name, condition, action, offer, channel in (
        ("offer", "recency_days < 10", "offer", "discount_10", "email"),
        ("ask", "recency_days < 20", "survey", None, "webhook"),
        ("call", None, "support", None, "file"),
    )
]

# The fewest windows, dates, learners and samples that reach every part of every command.
CONF: dict[str, Any] = {
    "features": {"windows_days": [30, 60, 90, 365]},
    "churn": {"horizons_days": [30]},
    "training": {
        "train_dates": 1,
        "dated_attributes": ["has_profile", "region", "plan"],
        # The expectations are those of xgboost, whether or not it beats rfm_logistic on so few rows.
        "rolling_dates": 0,
        "bootstrap_samples": 50,
        "partitions": 1,
        "fits_at_once": 1,
        "learners": ["xgboost"],
        "search": "none",
        "compare_feature_sets": False,
        "feature_families": {**{f: [] for f in _FAMILIES}, "silence": ["recency_*"]},
        "stability": {"folds": 2, "learners": []},
        "starts": {"xgboost": _TREES},
        "spaces": {
            "xgboost": {
                "n_estimators": {"low": 1, "high": 300},
                "max_depth": {"low": 1, "high": 10},
                "learning_rate": {"low": 0.01, "high": 1.0},
            }
        },
        "leak_alarm_roc_auc": 1.0,
        "leak_alarm_roc_auc_active_90d": 1.0,
    },
    "lifetime": {
        "models": ["mbg_nbd"],
        "backtest": {"cuts": 1, "horizons_days": [30]},
        "survival": {
            "models": ["cox"],
            "landmarks": 2,
            "fewest_events": 10,
            "covariates": ["recency_days", "purchase_days", "purchases_90d"],
        },
    },
    "plan": {"strategies": ["churn_probability", "net_value", "random"]},
    "decisions": {
        "budget": {"customers_share": 0.4},
        "hold_out_share": 0.3,
        "cooling_off_days": 20,
    },
    "uplift": {"learners": ["t_learner"], "fewest_rows": 25, "bootstrap_samples": 50},
    "model_ab": {"challenger_share": 0.5},
    # Claude writes one text per brief. Nobody approves it, so that messages have templates.
    "messages": {"variants": 1},
    "triggers": {"cooling_off_days": 20, "rules": _RULES},
    # Links of 30 July end on 19 August.
    "survey": {"url": "https://forms.example/s?t={token}", "valid_days": 20},
}


@dataclass(frozen=True)
class SmallCompany:
    """folder: with files, conf and lakehouse; noted: what a step saw that later steps change."""

    folder: Path
    noted: dict[str, Any]
    seconds: dict[str, float]

    @property
    def root(self) -> Path:
        return self.folder / "lakehouse"

    @property
    def conf(self) -> Path:
        return self.folder / "conf"

    def table(self, name: str, where: str = "TRUE") -> Any:
        """A table, or the rows of it that meet a condition of SQL, as pandas."""
        return self.sql(f"SELECT * FROM {{{name}}} WHERE {where}")

    def sql(self, query: str) -> Any:
        """A query of DuckDB; tables are named in braces, as in {gold.messages}."""
        import re

        import duckdb
        from deltalake import DeltaTable

        with duckdb.connect() as box:
            box.execute("SET TimeZone = 'UTC'")
            for name in set(re.findall(r"{([a-z_.]+)}", query)):
                short = name.replace(".", "_")
                arrow = DeltaTable(str(self.root / name.replace(".", "/"))).to_pyarrow_table()
                box.register(short, arrow)
                query = query.replace(f"{{{name}}}", short)
            return box.execute(query).df()

    def versions(self) -> dict[str, int]:
        """The newest Delta version of every table."""
        logs = self.root.glob("*/*/_delta_log")
        return {
            f"{log.parents[1].name}.{log.parent.name}": len([*log.glob("*.json")])
            for log in sorted(logs)
        }


def build(folder: Path) -> SmallCompany:
    """Write the files and run every command over them, in the order of the year."""
    company = files.Company()
    made = SmallCompany(folder, {}, {})
    write_conf(folder)
    with interpreted(), logged(folder / LOG), secret_values.in_use(made.noted):
        history(made, company)
        first_plan(made, company)
        second_plan(made, company)
        outcomes(made)
        step(made, report, as_of=PLAN_1)
    (folder / NOTED).write_bytes(pickle.dumps(made.noted))
    return made


def history(made: SmallCompany, company: files.Company) -> None:
    """What is known on 1 August: files, features, scores by rule, a first model."""

    files.write_history(company, made.folder / "files")
    secret_values.fill_database(made.folder / "files")
    step(made, ingest.command, env=FIRST, known_at=files.HISTORY_KNOWN)
    made.noted["history"] = made.table("silver.transactions")[["order_id", "known_at", "batch_id"]]
    # The bad row is read once the mapping can read it, and never again.
    step(made, ingest.command, known_at="2024-08-01T01:00:00", replay="receipts")
    before = made.versions()
    step(made, ingest.command, known_at="2024-08-01T02:00:00", replay="receipts")
    step(made, ingest.command, known_at="2024-08-01T03:00:00")
    made.noted["idle"] = (before, made.versions())
    days = [CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, PLAN_1]
    step(made, build_features.command, as_of=[d.isoformat() for d in days])
    made.noted["features"] = made.table("features.transactions", f"as_of = DATE '{PLAN_1}'")
    # No model yet, so the rates by recency score. The label of that day is in the table already.
    step(made, score_customers.command, as_of=CAMPAIGN_3)
    made.noted["rule scores"] = made.table("gold.customer_scores")
    step(made, train_churn.command, env=FIRST, as_of=PLAN_1)
    step(made, validate_model.command, env=FIRST, as_of=PLAN_1)
    step(made, deploy_model.command, env=FIRST)
    step(made, fit_lifetime.command, as_of=PLAN_1)
    # Risk levels are compared only where one model version judged both dates.
    step(made, score_customers.command, as_of=CAMPAIGN_3)
    step(made, score_customers.command, as_of=PLAN_1)


def first_plan(made: SmallCompany, company: files.Company) -> None:
    """Contacts of rules, then offers by what the campaigns taught; messages, some of them held back."""

    step(made, trigger_engagement.command, as_of=PLAN_1)
    step(made, estimate_uplift.command, as_of=PLAN_1)
    step(made, decide_offers.command, as_of=PLAN_1)
    files.write_late_profiles(made.folder / "files")
    step(made, ingest.command, known_at=files.LATE_PROFILES_KNOWN)
    step(made, write_messages.command, as_of=PLAN_1)
    made.noted["messages"] = made.table("gold.messages")
    hold_back(made)
    files.write_answers(made.folder / "files", survey_tokens(made))
    files.write_august(company, made.folder / "files")
    step(made, ingest.command, known_at=files.AUGUST_KNOWN)
    step(made, deliver_outbox.command, as_of=DELIVERY_1)


def second_plan(made: SmallCompany, company: files.Company) -> None:
    """A month on: a better model, the one before it as champion again, both in an A/B; a plan by
    rules, since nothing new was estimated."""

    files.write_september(company, made.folder / "files")
    step(made, ingest.command, known_at=files.SEPTEMBER_KNOWN)
    days = [PLAN_1.isoformat(), PLAN_2.isoformat()]
    step(made, build_features.command, as_of=days)
    step(made, train_churn.command, as_of=PLAN_2)
    made.noted["aliases trained"] = aliases(made)
    step(made, validate_model.command, as_of=PLAN_2)
    step(made, deploy_model.command)
    made.noted["aliases before"] = aliases(made)
    step(made, roll_back.command)
    made.noted["aliases"] = aliases(made)
    step(made, fit_lifetime.command, as_of=PLAN_2)
    step(made, score_customers.command, as_of=PLAN_2)
    step(made, trigger_engagement.command, as_of=PLAN_2)
    step(made, plan_retention.command, as_of=PLAN_2)
    step(made, decide_offers.command, as_of=PLAN_2)
    step(made, deliver_outbox.command, as_of=DELIVERY_2)


def outcomes(made: SmallCompany) -> None:
    """What came of campaigns, plans and models."""

    step(made, measure_campaigns.command, as_of=LAST_DAY)
    step(made, compare_models.command, as_of=LAST_DAY)


def step(
    made: SmallCompany, command: Callable[..., None], env: str = SECOND, **options: Any
) -> None:
    """One command as its command line would call it; how long it took is noted."""
    began = time.perf_counter()
    given = {k: v.isoformat() if isinstance(v, dt.date) else v for k, v in options.items()}
    with own_conf():
        command(env=env, conf_dir=str(made.conf), **given)
    name = f"{len(made.seconds):02d} {command.__module__} {given.get('as_of', '')}"
    made.seconds[name] = time.perf_counter() - began
    print(f"{made.seconds[name]:6.1f} s  {name}", flush=True)


def report(env: str, conf_dir: str, as_of: str) -> None:
    """The last step of run_pipeline: the summary on the screen, and report.html."""
    from pipelines.reporting.report import write_report
    from runtime.cli import RunOptions, started

    with started("run_pipeline", RunOptions(env, as_of, conf_dir=conf_dir)) as context:
        write_report(context)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Keep what Python's loggers say, in every detail but the calls of the JVM and of SQL."""
    handler, root = logging.FileHandler(path), logging.getLogger()
    before = root.level
    for chatty in ("py4j", "sqlalchemy", "matplotlib", "PIL", "numba", "shap"):
        logging.getLogger(chatty).setLevel(logging.INFO)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        handler.close()


@contextmanager
def interpreted() -> Iterator[None]:
    """Spark without code generation and adaptive plans: on some hundred rows, to compile a plan takes
    several times as long as to run it."""
    from pyspark.sql import SparkSession

    spark = SparkSession.getActiveSession()
    assert spark is not None
    quick = {
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
    before = {name: spark.conf.get(name, None) for name in quick}
    try:
        for name, value in quick.items():
            spark.conf.set(name, value)
        yield
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def survey_tokens(made: SmallCompany) -> list[str]:
    """The tokens of the contacts of 30 July that ask for answers."""
    when = f"action = 'survey' AND triggered_on = DATE '{PLAN_1}'"
    asked = made.table("gold.outbox", when).sort_values("contact_id")
    last_day = PLAN_1 + dt.timedelta(days=20)
    return [
        survey_token(c, last_day, secret_values.VARIABLES["HOLDFAST_SURVEY_KEY"].encode())
        for c in asked["contact_id"]
    ]


@contextmanager
def own_conf() -> Iterator[None]:
    """A command leaves its folder of settings in use; afterwards the package's own are."""
    from runtime import settings

    try:
        yield
    finally:
        settings.use_conf_dir(None)


def is_approved(customer_id: str) -> bool:
    """Whose messages the company's people let go: two in three, and who opts out in August."""
    return files.number(customer_id) % 3 > 0 or customer_id in files.OPTED_OUT_IN_AUGUST


def hold_back(made: SmallCompany) -> None:
    """A person holds messages back in gold.messages. Without a key all are templates, which are
    approved by conf."""
    from pyspark.sql import SparkSession

    chosen = [c for c in made.noted["messages"]["customer_id"] if not is_approved(c)]
    names = ", ".join(f"'{c}'" for c in chosen)
    path = made.root / "gold" / "messages"
    spark = SparkSession.getActiveSession()
    assert spark is not None
    spark.sql(f"UPDATE delta.`{path}` SET approved = FALSE WHERE customer_id IN ({names})")


def aliases(made: SmallCompany) -> dict[str, str]:
    """The versions behind the aliases of the churn model."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{made.root / 'mlflow.db'}")
    return {k: str(v) for k, v in client.get_registered_model("churn").aliases.items()}


def write_conf(folder: Path) -> None:
    """first.yaml, second.yaml and offers.yaml in a folder of their own."""
    sources = {
        name: {
            **source,
            **{"format": "csv", "path": str(folder / "files" / name)},
            "options": secret_values.csv_options(name),
        }
        for name, source in MAPPINGS.items()
    }
    receipts = sources["receipts"]
    comma = {**receipts["mapping"], "amount": "replace(paid, ',', '.')"}
    place = {"root": str(folder / "lakehouse")}
    second = {
        **CONF,
        "lakehouse": place,
        "sources": {**sources, "receipts": {**receipts, "mapping": comma}},
    }
    training = {**CONF["training"], "starts": {"xgboost": _STUMPS}}
    first = {
        **CONF,
        "lakehouse": place,
        "sources": {**sources, "old_visits": secret_values.database_source(folder / "files")},
        "training": training,
    }
    offers = yaml.safe_load(importlib.resources.files("conf").joinpath("offers.yaml").read_text())
    for offer in offers["offers"].values():
        # Campaigns are 30 days apart: what one of them sent bars nobody from a plan.
        offer["again_after_days"] = 25
    # Most customers of a plan get this offer, so that some of its messages wait for a booking.
    offers["offers"]["discount_20"]["needs_fulfilment"] = True
    (folder / "conf").mkdir(parents=True)
    for name, content in ((FIRST, first), (SECOND, second), ("offers", offers)):
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        (folder / "conf" / f"{name}.yaml").write_text(text)


def built(folder: Path) -> SmallCompany:
    """The company of an earlier build, with what its steps noted."""
    return SmallCompany(folder, pickle.loads((folder / NOTED).read_bytes()), {})
