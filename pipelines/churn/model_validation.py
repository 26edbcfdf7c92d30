"""Judge the challenger: models.model_gate on the newest matured labels, and the record of it."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from contracts.features import FEATURE_TABLES
from models.model_gate import (
    LOG_LOSS,
    Bounds,
    Check,
    Facts,
    Labelled,
    is_accepted,
    judge,
    told,
)
from models.portable import PortableModel
from pipelines.churn import verdicts
from pipelines.churn.dataset import (
    check_features,
    check_finite,
    check_labels,
    sample,
    training_plans,
    training_rows,
)
from pipelines.churn.evaluation import Baseline, baselines, predicted
from pipelines.churn.model_metadata import NewerModelError, check_meaning, check_untaught
from pipelines.churn.time_split import Schedule
from pipelines.churn.verdicts import ACCEPTED, NOBODY, REFUSED, WITHDRAWN, Verdict
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.lakehouse.writes import Write
from runtime.model_digest import tag_of, text_digest
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry
from transforms.segments import customer_segments
from transforms.training_rows import feature_rows

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame

RECORD, TABLE, OUTCOME = "validation.json", "gold.model_validations", "Nothing was judged."
# The fastest of so many predictions: the others waited for the processor.
PREDICTIONS = 20


def run(context: Context) -> None:
    """Judge the challenger, write gold.model_validations, and tag the version with the verdict.

    A version that was judged before, by the same rule against the same champion on the same labels,
    keeps its verdict. The verdict is set last, so that a run that was killed leaves none.
    """
    registry = Registry(context.settings)
    challenger, champion = registry.by_alias(CHALLENGER), registry.by_alias(CHAMPION)
    if challenger is None:
        no_challenger(context, registry, "nothing to judge")
        return
    is_champion = champion is not None and champion.version == challenger.version
    if is_champion and verdicts.verdict_of(challenger.tags) is None:
        # Promoted by a version of Holdfast that had no verdicts.
        context.progress.say(f"      version {challenger.version} is the champion already")
        return
    plan = training_plans(context)[context.settings.churn.primary_horizon_days]
    record = kept_record(context, registry, challenger, champion=champion, plan=plan)
    if context.is_dry:
        known = "judged already" if record else f"would be judged on {plan.test}"
        context.progress.say(f"      version {challenger.version}: {known}")
        return
    is_new = record is None
    if record is None:
        try:
            refuse_newer(context, challenger, champion, plan=plan)
        except NewerModelError as error:
            context.progress.say(f"      skipped     {error}")
            return
        checks, reason = judged(context, registry, challenger, champion=champion, plan=plan)
        record = {
            **inputs_of(context, champion, plan),
            "outcome": ACCEPTED if is_accepted(checks) else REFUSED,
            "reason": reason,
            "checks": [asdict(check) for check in checks],
        }
        keep_record(context, registry, challenger, record=record)
    context.write([validation_write(context, challenger, record)])
    context.lake.forget()
    say_outcome(context, challenger, record)
    if is_new:
        give_verdict(context, registry, challenger, record=record)


def no_challenger(context: Context, registry: Registry, what: str) -> None:
    """Raise ModelGateError: no version has the alias challenger. A dry run only says so."""
    text = f"{registry.model_name}: no version has the alias challenger, so there is {what}."
    if context.is_dry:
        context.progress.say(f"      {text}")
        return
    env = context.settings.env
    raise ModelGateError(f"{text} Run `holdfast train_churn --env {env}` first.")


def refuse_newer(
    context: Context, challenger: Registered, champion: Registered | None, *, plan: Schedule
) -> None:
    """NewerModelError if one of both was trained with the labels that they are compared on."""
    for alias, model in ((CHALLENGER, challenger), (CHAMPION, champion)):
        if model is not None:
            check_meaning(context, model, OUTCOME)
            check_untaught(context, model, plan, alias=alias, outcome=OUTCOME)


def inputs_of(context: Context, champion: Registered | None, plan: Schedule) -> dict[str, Any]:
    """What a verdict depends on besides the version itself."""
    return {
        "against": champion.version if champion else NOBODY,
        "tested_on": plan.test.isoformat(),
        "rule": context.settings.model_gate.model_dump(),
    }


def kept_record(
    context: Context,
    registry: Registry,
    challenger: Registered,
    *,
    champion: Registered | None,
    plan: Schedule,
) -> dict[str, Any] | None:
    """The record of an earlier verdict that still holds. None: the version is to be judged.

    The verdict on the champion itself, and on a version that was rolled back, always holds.
    """
    verdict = verdicts.verdict_of(challenger.tags)
    if verdict is None:
        return None
    record: dict[str, Any] = registry.run_json(challenger.run_id, RECORD)
    is_champion = champion is not None and champion.version == challenger.version
    if is_champion or verdict.outcome == WITHDRAWN:
        return {**record, "outcome": verdict.outcome}
    inputs = inputs_of(context, champion, plan)
    return record if {name: record[name] for name in inputs} == inputs else None


def judged(
    context: Context,
    registry: Registry,
    challenger: Registered,
    *,
    champion: Registered | None,
    plan: Schedule,
) -> tuple[list[Check], str]:
    """The checks of the rule, and the reason of the verdict in words."""
    rows = context.lake.keep(training_rows(context, plan))
    check_labels(context, rows, splits=("test",))
    for registered in filter(None, (challenger, champion)):
        check_features(registered, rows.columns)
    check_finite(context, rows.where("split = 'test'"), OUTCOME)
    seen = sample(with_segments(context, rows, plan), "test")
    rule = baselines(rows.where("split <> 'test'"))[0]
    no_signal = registry.client.get_run(challenger.run_id).data.tags.get("no_signal", "")
    model = PortableModel.from_json(challenger.portable)
    other = PortableModel.from_json(champion.portable) if champion else None
    facts = Facts(model.is_exactly_explained, no_signal, inference_ms(model, seen))
    checks = judge(labelled(seen, model, other, rule=rule), facts, bounds_of(context))
    return checks, no_signal or reason_of(checks)


def with_segments(context: Context, rows: DataFrame, plan: Schedule) -> DataFrame:
    """The active and silent customers of the test date, with their segment on that day.

    The segment is that of the day alone, without the memory of earlier dates that
    gold.customer_segments has.
    """
    features = feature_rows({name: context.slice(name, plan.test) for name in FEATURE_TABLES})
    window = context.settings.rfm.window_days
    segments = customer_segments(features, window, context.formulas)
    test = rows.where("split = 'test' AND purchases_90d > 0")
    return test.join(segments.select("customer_id", "segment"), on="customer_id", how="left")


def labelled(
    seen: pd.DataFrame, model: PortableModel, champion: PortableModel | None, *, rule: Baseline
) -> Labelled:
    """The probabilities of both models and of the rule for the same customers."""
    return Labelled(
        customers=seen["customer_id"].tolist(),
        segments=seen["segment"].fillna("unknown").to_numpy(dtype=object),
        label=seen["churned"].to_numpy(dtype=float),
        challenger=predicted(model, seen),
        rule=rule.predict_proba(seen),
        champion=None if champion is None else predicted(champion, seen),
    )


def inference_ms(model: PortableModel, seen: pd.DataFrame) -> float | None:
    """The fastest of PREDICTIONS predictions for one customer, in ms. None: no customer."""
    if seen.empty:
        return None
    row = seen.iloc[0].to_dict()
    seconds = []
    for _ in range(PREDICTIONS):
        began = time.perf_counter()
        model.predict_one({name: row.get(name) for name in model.encoder.feature_names})
        seconds.append(time.perf_counter() - began)
    return min(seconds) * 1_000


def bounds_of(context: Context) -> Bounds:
    """The rule of conf."""
    samples = context.settings.training.bootstrap_samples
    return Bounds(**context.settings.model_gate.model_dump(), samples=samples)


def reason_of(checks: Sequence[Check]) -> str:
    """The checks that failed, in words; if all passed, those of all customers."""
    failed = [check for check in checks if not check.is_passed]
    shown = [check for check in checks if check.bound is not None and check.name != LOG_LOSS]
    return "; ".join(told(check) for check in failed or shown)


def keep_record(
    context: Context, registry: Registry, challenger: Registered, *, record: Mapping[str, Any]
) -> None:
    """Store the record in the version's run, with its digest, after removing an old verdict."""
    text = json.dumps(record, indent=2)
    with context.leases.on(["models.churn"]):
        verdicts.clear(registry, challenger.version)
        registry.client.log_text(challenger.run_id, text, RECORD)
        registry.client.set_tag(challenger.run_id, tag_of(RECORD), text_digest(text))


def validation_write(context: Context, challenger: Registered, record: Mapping[str, Any]) -> Write:
    """gold.model_validations from the record: one row per check."""
    table = context.table(TABLE)
    checks = [Check(**check) for check in record["checks"]]
    name, version, against = challenger.name, challenger.version, record["against"]
    comparison = f"{name}/{version} against {against} on {record['tested_on']}"
    general = (comparison, name, version, against, dt.date.fromisoformat(record["tested_on"]))
    # A verdict that was withdrawn after the deployment was `accepted` when it was given.
    is_good = is_accepted(checks)
    rows = [
        (
            *general,
            *(check.name, check.segment, check.customers),
            *(check.value, check.low, check.high, check.bound, check.is_passed),
            *(is_good, context.settings.env),
        )
        for check in checks
    ]
    return Write(table, context.spark.createDataFrame(rows, table.ddl), [comparison])


def give_verdict(
    context: Context, registry: Registry, challenger: Registered, *, record: Mapping[str, Any]
) -> None:
    """Tag the version, and its run with the reason, which the report shows."""
    outcome, against, tested_on, reason = (
        str(record[name]) for name in ("outcome", "against", "tested_on", "reason")
    )
    with context.leases.on(["models.churn"]):
        registry.client.set_tag(challenger.run_id, "promotion", reason)
        verdict = Verdict(outcome, against, tested_on, reason)
        verdicts.give(registry, challenger.version, verdict)


def say_outcome(context: Context, challenger: Registered, record: Mapping[str, Any]) -> None:
    """One line: the verdict and its reason."""
    context.progress.say(
        f"      version {challenger.version} {record['outcome']}: {record['reason']}"
    )
