"""Estimate the effect of each offer per customer from campaigns, and compare policies.

Randomised campaigns give the effects that plans use. Campaigns that chose their customers give
adjusted estimates, which are marked as not randomised.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from contracts.features import FEATURE_TABLES
from models.uplift.learners import UpliftModel
from pipelines.churn.dataset import Design, designed
from pipelines.offers import observational, policy_choice, uplift_campaigns, uplift_learning
from pipelines.offers.offer_catalog import offers_of_conf
from pipelines.offers.policy_choice import PolicyRow
from pipelines.offers.uplift_campaigns import Splits
from pipelines.offers.uplift_learning import SEEN, SparkTrialRows, UpliftResult, best_learner
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.lakehouse.writes import Write
from transforms.experiments import (
    offer_effects,
    randomised_contacts,
    trial_contacts,
    with_arms,
)
from transforms.training_rows import feature_rows, labelled_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Trial(NamedTuple):
    """Results of the experiments.

    offers: the tested offers. effects: gold.offer_effects. results, compared: rows of
    gold.uplift_results and gold.policy_comparison.
    """

    offers: list[str]
    learner: str
    effects: DataFrame
    results: list[UpliftResult]
    compared: list[PolicyRow]


class ExperimentRows(NamedTuple):
    """One row per customer and campaign.

    armed: with features. matrix: with the columns of the design, churned, arm, fold, split and
    e_<k>.
    """

    armed: DataFrame
    matrix: DataFrame
    design: Design


def run(context: Context) -> None:
    """Write gold.offer_effects, gold.uplift_results and gold.policy_comparison of as_of."""
    context.needs("silver.campaign_contacts", "ingest")
    try:
        trial, refused = None, None
        try:
            trial = experiment(context)
        except ModelGateError as error:
            refused = error
        seen = observational.estimates(context)
        if refused is not None:
            if not seen.results:
                raise refused
            context.progress.warn(f"{refused} Only observational estimates are written.")
        context.write(writes(context, trial, seen))
        observational.log(context, seen)
        if trial is not None:
            tell(context, trial.learner, [r for r in trial.results if r["split"] == "test"])
            tell_policies(context, trial.compared)
        observational.tell(context, seen)
    finally:
        context.lake.forget()


def experiment(context: Context) -> Trial:
    """Results of randomised campaigns and of the hold-outs of plans and triggers.

    Raises ModelGateError if there are too few randomised campaigns.
    """
    contacts = context.lake.keep(randomised_contacts(context.read("silver.campaign_contacts")))
    splits = uplift_campaigns.campaign_splits(context, contacts)
    uplift_campaigns.check_features(context, list(splits))
    offers = uplift_campaigns.tested_offers(context, contacts, splits)
    own = context.lake.keep(uplift_campaigns.own_contacts_of(context))
    own_splits = uplift_campaigns.own_splits(context, own, splits)
    trials = trial_contacts(contacts, own)
    armed, rows, design = experiment_rows(
        context, trials, offers, splits=splits, own_splits=own_splits
    )
    learner, model, results = best_learner(
        context, SparkTrialRows(context, rows, design.names, offers), design.names
    )
    test, before = (
        [r for r in results if (r["split"], r["learner"]) == (split, learner)]
        for split in ("test", "validation")
    )
    # The effects that plans use follow the verdicts of the test. Policies are compared with the
    # verdicts before it, so that the comparison does not use the test twice.
    averages, known = ([uplift_learning.average_of(r, o) for o in offers] for r in (test, before))
    compared = policy_rows(context, armed, rows, names=design.names, model=model, averages=known)
    if "later" in (*splits.values(), *own_splits.values()):
        model = uplift_learning.fitted(
            context, learner, rows.where("split <> 'test'"), names=design.names, offers=offers
        )
    scored = at_as_of(context).mapInPandas(
        uplift_learning.scorer(design.encoder, model),
        "as_of date, customer_id string, "
        + ", ".join(f"effect_{k} double" for k in range(1, len(offers) + 1)),
    )
    effects = offer_effects(scored, offers, averages, learner=learner)
    return Trial(offers, learner, effects, results, compared)


def writes(context: Context, trial: Trial | None, seen: observational.Observed) -> list[Write]:
    """The rows of the three tables, for one commit."""
    results = [*(trial.results if trial else []), *seen.results]
    tables = [written(context, "gold.uplift_results", results)]
    parts = [] if trial is None else [trial.effects]
    if seen.models:
        observed = observational.effects(seen, at_as_of(context), trial.offers if trial else [])
        parts += [] if observed is None else [observed]
    if parts:
        effects = reduce(lambda left, right: left.unionByName(right), parts)
        tables.append(Write(context.table("gold.offer_effects"), effects, [context.as_of]))
    if trial is not None:
        tables.append(written(context, "gold.policy_comparison", trial.compared))
    return tables


def experiment_rows(
    context: Context,
    contacts: DataFrame,
    offers: Sequence[str],
    *,
    splits: Splits,
    own_splits: Splits,
) -> ExperimentRows:
    """The rows of all campaigns in the splits, and the design of their matrix."""
    churn, labels = context.settings.churn, context.read("features.labels")
    rows = feature_rows({name: context.read(name) for name in FEATURE_TABLES})
    labelled = labelled_rows(
        rows,
        labels,
        churn.primary_horizon_days,
        definition=churn.definition,
        lead_days=churn.lead_days,
    )
    armed = context.lake.keep(
        with_arms(labelled, contacts, offers, split_of=splits, own_split_of=own_splits)
    )
    design = designed(context, armed, in_spark=True)
    arms = ["arm", "fold", *[f"e_{k}" for k in range(len(offers) + 1)]]
    matrix = design.frame.join(
        armed.select("customer_id", "as_of", *arms), on=["customer_id", "as_of"], how="inner"
    )
    return ExperimentRows(armed, context.lake.keep(matrix), design)


def at_as_of(context: Context) -> DataFrame:
    """One row per active or silent customer: the features at as_of."""
    context.needs("gold.customer_segments", "score_customers")
    kept = context.slice("gold.customer_segments").where("lifecycle IN ('active', 'silent')")
    rows = feature_rows({name: context.slice(name) for name in FEATURE_TABLES})
    return rows.join(kept.select("customer_id"), on="customer_id", how="left_semi")


def policy_rows(
    context: Context,
    armed: DataFrame,
    rows: DataFrame,
    *,
    names: Sequence[str],
    model: UpliftModel,
    averages: Sequence[float | None],
) -> list[PolicyRow]:
    """The value of each policy on the test campaign, by models that were not trained on it.

    `averages`: common effects per offer, from verdicts reached before the test campaign. The policy
    uplift is therefore evaluated with the effects that a plan would use.
    """
    by_name = {offer.name: offer for offer in offers_of_conf()}
    offers = [by_name[name] for name in model.arms]
    nuisances = model
    if model.learner != "t_learner":
        trials = SparkTrialRows(context, rows, names, model.arms)
        nuisances = trials.fitted("t_learner", SEEN)
    sample = uplift_learning.sampled(context, rows, "test")
    day: dt.date = sample["as_of"].iloc[0]
    facts = policy_choice.facts(context, armed, day).toPandas()  # as many rows as the sample
    sample = sample.merge(facts, on="customer_id", how="left", validate="one_to_one")
    if not policy_choice.is_scored(context, day):
        context.progress.warn(
            f"gold.risk_factors: has no rows for {day}, so the policy `rules` is not compared. To "
            f"include it, run `holdfast score_customers --env {context.settings.env} "
            f"--as-of {day}`."
        )
    matrix = sample[list(names)].to_numpy(np.float32)
    effects = uplift_learning.followed_effects(model.effects(matrix), averages)
    return policy_choice.compared(
        context, sample, effects, risks=nuisances.risks(matrix), offers=offers
    )


def written(
    context: Context, name: str, rows: Sequence[UpliftResult] | Sequence[PolicyRow]
) -> Write:
    """The rows as the as_of slice of their table."""
    table = context.table(name)
    rows_by_column: Sequence[Mapping[str, object]] = rows
    records = [tuple(row[c] for c in table.column_names) for row in rows_by_column]
    return Write(table, context.spark.createDataFrame(records, table.ddl), [context.as_of])


def tell_policies(context: Context, compared: Sequence[PolicyRow]) -> None:
    """Tell the user the value of each policy, the best first, and which policy plans follow."""
    for r in sorted(compared, key=lambda r: -r["value_a_customer"]):
        said = ""
        if r["is_chosen"]:
            is_open = r["ci_low"] <= 0 < r["value_a_customer"]
            said = ": chosen" + (", not proven to be better than no offers" if is_open else "")
        context.progress.say(
            f"      {r['policy']:<18} value per customer {r['value_a_customer']:+.2f} "
            f"({r['ci_low']:+.2f} to {r['ci_high']:+.2f}){said}"
        )


def tell(context: Context, learner: str, test: Sequence[UpliftResult]) -> None:
    """Tell the user the effect and the verdict of each offer on the test campaign."""
    by_metric = {(r["offer_id"], r["metric"]): r for r in test}
    for offer in dict.fromkeys(r["offer_id"] for r in test):
        mean, qini = by_metric[offer, "average_effect"], by_metric[offer, "qini"]
        context.progress.say(
            f"      {offer:<18} lowers churn by {mean['value']:+.1%} ({mean['ci_low']:+.1%} to "
            f"{mean['ci_high']:+.1%}), Qini {qini['value']:+.4f} ({qini['ci_low']:+.4f} to "
            f"{qini['ci_high']:+.4f}): {qini['verdict']} [{learner}]"
        )
