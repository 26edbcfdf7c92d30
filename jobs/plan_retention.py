"""Rank the customers who can still be kept, under a budget, by several strategies."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import AsOf, ConfDir, DryRun, Env, RunOptions, application, started


def command(
    env: Env,
    as_of: AsOf = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="Rank by churn_probability, p_alive, clv_at_risk, net_value or random; or all."
        ),
    ] = "all",
    budget_share: Annotated[
        float | None, typer.Option(help="Share of the customers to reach. Default: conf.")
    ] = None,
    budget_money: Annotated[
        float | None, typer.Option(help="Instead of a share: money to spend on offers.")
    ] = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Rank the customers who can still be kept, choose under a budget, compare strategies."""
    checks = [
        lambda settings: settings.plan.chosen(strategy),
        lambda settings: settings.decisions.budget.chosen(budget_share, budget_money),
    ]
    options = RunOptions(env, as_of, dry_run, conf_dir, checks=checks)
    with started("plan_retention", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.offers.retention_planning import (
            PlanOptions,
            run,
        )

        run(context, PlanOptions(strategy, budget_share, budget_money))


main = application(command)

if __name__ == "__main__":
    main()
