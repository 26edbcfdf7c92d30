"""Learn from campaigns what each offer changes for whom, and say if it can be told.

Experiments decide; campaigns that chose their customers are adjusted, and said to be so.
"""

from __future__ import annotations

from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from pipelines.churn.dataset import designed
from pipelines.offers import observational, policy_choice, uplift_campaigns
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.lakehouse.writes import Write
from runtime.settings.offers import load_offers

# What lies before the test: its model has seen nothing later.
SEEN = "split IN ('train', 'validation')"


class Trial(NamedTuple):
    """What experiments say: the offers tested, gold.offer_effects, and rows of the other tables."""

    offers: list[str]
    learner: str
    effects: Any
    results: list[dict[str, Any]]
    compared: list[dict[str, Any]]


def run(context: Context) -> None:
    """gold.offer_effects, gold.uplift_results and gold.policy_comparison of as_of."""
    context.needs("silver.campaign_contacts", "ingest")
    try:
        trial, refused = None, None
        try:
            trial = experiment(context)
        except ModelGateError as error:
            refused = error
        seen = observational.estimates(context, designed)
        if refused is not None:
            if not seen.results:
                raise refused
            context.progress.warn(f"{refused} Until then only what was not random is there.")
        context.write(writes(context, trial, seen))
        observational.log(context, seen)
        if trial is not None:
            tell(context, trial.learner, [r for r in trial.results if r["split"] == "test"])
            tell_policies(context, trial.compared)
        observational.tell(context, seen)
    finally:
        context.lake.forget()


def experiment(context: Context) -> Trial:
    """From randomised campaigns, and what our own held out at random; ModelGateError where there
    are too few of the former."""
    from transforms.experiments import offer_effects, randomised_contacts, trial_contacts

    contacts = context.lake.keep(randomised_contacts(context.read("silver.campaign_contacts")))
    splits = uplift_campaigns.campaign_splits(context, contacts)
    uplift_campaigns.check_features(context, list(splits))
    offers = uplift_campaigns.tested_offers(context, contacts, splits)
    own = context.lake.keep(uplift_campaigns.own_contacts_of(context))
    own_splits = uplift_campaigns.own_splits(context, own, splits)
    trials = trial_contacts(contacts, own)
    armed, rows, design = experiment_rows(context, trials, offers, splits, own_splits)
    learner, model, found = best_learner(context, rows, design.names, offers)
    test, before = (
        [r for r in found if (r["split"], r["learner"]) == (split, learner)]
        for split in ("test", "validation")
    )
    # What is followed rests on the test's verdicts, what the test judges on those before it.
    averages, known = ([uplift_campaigns.average_of(r, o) for o in offers] for r in (test, before))
    compared = policy_rows(context, armed, rows, design.names, model, known)
    if "later" in (*splits.values(), *own_splits.values()):
        model = uplift_campaigns.fitted(
            context, learner, rows.where("split <> 'test'"), design.names, offers
        )
    kept = at_as_of(context).mapInPandas(
        uplift_campaigns.scorer(design.encoder, model),
        "as_of date, customer_id string, "
        + ", ".join(f"effect_{k} double" for k in range(1, len(offers) + 1)),
    )
    effects = offer_effects(kept, offers, averages, learner)
    return Trial(offers, learner, effects, found, compared)


def writes(context: Context, trial: Trial | None, seen: observational.Found) -> list[Write]:
    """What goes into the three tables, in one commit."""
    found = [
        written(context, "gold.uplift_results", [*(trial.results if trial else []), *seen.results])
    ]
    parts = [] if trial is None else [trial.effects]
    if seen.models:
        further = observational.effects(
            context, seen, at_as_of(context), trial.offers if trial else []
        )
        parts += [] if further is None else [further]
    if parts:
        effects = reduce(lambda one, other: one.unionByName(other), parts)
        found.append(Write(context.table("gold.offer_effects"), effects, [context.as_of]))
    if trial is not None:
        found.append(written(context, "gold.policy_comparison", trial.compared))
    return found


def experiment_rows(
    context: Context,
    contacts: Any,
    offers: list[str],
    splits: dict[Any, str],
    own_splits: dict[Any, str],
) -> tuple[Any, Any, Any]:
    """One row a customer and campaign: with features; and with matrix columns, churned, arm, fold,
    split, e_<k>; and the design of the matrix."""
    from transforms.experiments import with_arms
    from transforms.training_rows import feature_rows, labelled_rows

    churn, labels = context.settings.churn, context.read("features.labels")
    rows = feature_rows({name: context.read(name) for name in uplift_campaigns.FEATURE_TABLES})
    labelled = labelled_rows(
        rows, labels, churn.primary_horizon_days, churn.definition, churn.lead_days
    )
    armed = context.lake.keep(with_arms(labelled, contacts, offers, splits, own_splits))
    design = designed(context, armed)
    arms = ["arm", "fold", *[f"e_{k}" for k in range(len(offers) + 1)]]
    matrix = design.frame.join(
        armed.select("customer_id", "as_of", *arms), on=["customer_id", "as_of"], how="inner"
    )
    return armed, context.lake.keep(matrix), design


def best_learner(
    context: Context, rows: Any, names: list[str], offers: list[str]
) -> tuple[str, Any, list[dict[str, Any]]]:
    """The learner with the highest mean Qini on the last campaign but one, refitted with it, tested
    on the last: its name, the model, and all results."""
    validation, test = (
        uplift_campaigns.sampled(context, rows, split) for split in ("validation", "test")
    )
    train = rows.where("split = 'train'")
    found: list[dict[str, Any]] = []
    scores: dict[str, float] = {}
    for learner in context.settings.uplift.learners:
        model = uplift_campaigns.fitted(context, learner, train, names, offers)
        one = uplift_campaigns.results(context, learner, "validation", model, validation, names)
        qinis = [r["value"] for r in one if r["metric"] == "qini"]
        scores[learner] = sum(qinis) / len(qinis)
        found += one
    best = max(scores, key=lambda name: scores[name])
    model = uplift_campaigns.fitted(context, best, rows.where(SEEN), names, offers)
    return (
        best,
        model,
        [
            *found,
            *uplift_campaigns.results(context, best, "test", model, test, names),
        ],
    )


def at_as_of(context: Context) -> Any:
    """The features at as_of of those who can still be kept."""
    from transforms.training_rows import feature_rows

    day = f"as_of = DATE'{context.as_of}'"
    context.needs("gold.customer_segments", "score_customers")
    kept = context.read("gold.customer_segments").where(
        f"{day} AND lifecycle IN ('active', 'silent')"
    )
    rows = feature_rows({n: context.read(n).where(day) for n in uplift_campaigns.FEATURE_TABLES})
    return rows.join(kept.select("customer_id"), on="customer_id", how="left_semi")


def policy_rows(
    context: Context,
    armed: Any,
    rows: Any,
    names: list[str],
    model: Any,
    averages: list[float | None],
) -> list[dict[str, Any]]:
    """What each policy would have brought on the test campaign, by models that have not seen it.

    `averages`: by verdicts that have not either, so that uplift is judged as a plan follows it.
    """
    offers = {name: load_offers()[name] for name in model.arms}
    nuisances = model
    if model.learner != "t_learner":
        learned = rows.where(SEEN)
        nuisances = uplift_campaigns.fitted(context, "t_learner", learned, names, list(offers))
    sample = uplift_campaigns.sampled(context, rows, "test")
    day = sample["as_of"].iloc[0]
    known = policy_choice.facts(context, armed, day).toPandas()  # as many as sampled
    sample = sample.merge(known, on="customer_id", how="left", validate="one_to_one")
    if not policy_choice.is_scored(context, day):
        context.progress.warn(
            f"{day} is not scored, so the rules are not among the policies compared. Run "
            f"`spark-submit jobs/score_customers.py --env {context.settings.env} --as-of {day}`."
        )
    matrix = sample[names].to_numpy(np.float32)
    effects = uplift_campaigns.followed_effects(model.effects(matrix), averages)
    return policy_choice.compared(context, sample, effects, nuisances.risks(matrix), offers)


def written(context: Context, name: str, found: list[dict[str, Any]]) -> Write:
    """The rows as the slice of as_of of their table."""
    table = context.table(name)
    records = [tuple(row[c] for c in table.column_names) for row in found]
    return Write(table, context.spark.createDataFrame(records, table.ddl), [context.as_of])


def tell_policies(context: Context, found: list[dict[str, Any]]) -> None:
    """The policies, the best first; of the one followed, whether it may as well bring nothing."""
    for r in sorted(found, key=lambda r: -r["value_a_customer"]):
        said = ""
        if r["is_chosen"]:
            is_open = r["ci_low"] <= 0 < r["value_a_customer"]
            said = ", followed" + (", not proven to beat sending nothing" if is_open else "")
        context.progress.say(
            f"      {r['policy']:<18} {r['value_a_customer']:+.2f} a customer ({r['ci_low']:+.2f} "
            f"to {r['ci_high']:+.2f}){said}"
        )


def tell(context: Context, learner: str, test: list[dict[str, Any]]) -> None:
    """The verdict on every offer."""
    by = {(r["offer_id"], r["metric"]): r for r in test}
    for offer in dict.fromkeys(r["offer_id"] for r in test):
        mean, qini = by[offer, "average_effect"], by[offer, "qini"]
        context.progress.say(
            f"      {offer:<18} keeps {mean['value']:+.1%} ({mean['ci_low']:+.1%} to "
            f"{mean['ci_high']:+.1%}), Qini {qini['value']:+.4f} ({qini['ci_low']:+.4f} to "
            f"{qini['ci_high']:+.4f}): {qini['verdict']} [{learner}]"
        )
