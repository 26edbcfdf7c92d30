"""Each notebook runs as on Databricks, on a lake created by the real jobs."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from deltalake import DeltaTable

from tests.notebooks.running import (
    NOTEBOOKS,
    NotebookExit,
    cells,
    find,
    frames,
    magic,
    notebook,
    run,
)

# The first test creates the small lake, which is slow on a busy machine.
pytestmark = pytest.mark.timeout(1800)
AS_OF = dt.date(2018, 1, 1)
# Separate commands write the tables that these notebooks read last.
EXITS = {
    "monitoring": "gold.drift does not exist. Run monitor.",
    "offers_and_uplift": "gold.offer_decisions does not exist. Run decide_offers.",
    "one_customer": "gold.offer_decisions does not exist. Run decide_offers.",
}
# Frames, by a column, that may be empty: nobody in a safe segment is predicted to leave.
MAY_BE_EMPTY = {"rfm_segments": {"top_risk_factor"}}


def gold_at_as_of(small_lake, name: str) -> pd.DataFrame:
    """The slice of a gold table at AS_OF, sorted by customer."""
    rows = DeltaTable(small_lake.root / "gold" / name).to_pandas()
    return rows[rows["as_of"] == AS_OF].sort_values("customer_id", kind="stable")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_starts_with_text_and_has_no_definitions(path):
    kinds = [magic(cell)[0] for cell in cells(path)]

    assert kinds[:3] == ["md", "pip", "python"]
    assert "dbutils.widgets.dropdown(" in cells(path)[2]
    # Definitions belong in the packages, where they are tested.
    assert not re.search(r"^\s*(def|class) ", path.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def displayed(spark, in_small_env) -> dict[str, list]:
    """What each notebook displays with the default values of its widgets, except env."""
    displayed = {}
    with in_small_env() as env:
        for path in NOTEBOOKS:
            try:
                displayed[path.stem] = run(path, spark, env=env)
            except NotebookExit as left:
                assert str(left) == EXITS[path.stem]
                displayed[path.stem] = left.displayed
    return displayed


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_every_notebook_runs_and_every_frame_has_rows(name, displayed):
    assert displayed[name] or name == "monitoring"  # which has no table to begin with
    allowed = MAY_BE_EMPTY.get(name, set())
    empty = [list(d.columns) for d in frames(displayed[name]) if d.empty]
    assert [columns for columns in empty if not allowed & set(columns)] == []


def test_first_look_counts_what_the_files_hold(displayed, small_lake):
    displayed = displayed["first_look"]
    # The first two lines have no amount.
    kept = small_lake.lines[2:]

    counts = find(displayed, "rows_in").set_index("source")
    assert counts.loc["receipts"].tolist() == [1, len(kept) + 2, len(kept), 2, 0, 0]
    assert counts.loc["members"].tolist() == [1, 200, 200, 0, 0, 0]  # 300 minus every third
    reasons = find(displayed, "reason")
    assert reasons.to_numpy().tolist() == [["receipts", "amount_not_null", 2]]
    free = sum(line["paid"] == "0.00" for line in kept)
    assert find(displayed, "warning").to_numpy().tolist() == [["amount_is_zero", free]]
    months = find(displayed, "month").set_index("month")["purchases"].to_dict()
    by_month = Counter(line["time"][:7] for line in kept)
    assert {f"{month:%Y-%m}": count for month, count in months.items()} == by_month
    profiles = find(displayed, "has_profile").set_index("has_profile")["customers"]
    assert profiles.to_dict() == {False: 100, True: 200}


def test_first_look_reports_the_silent_shares(displayed, small_lake):
    last: dict[str, dt.date] = {}
    for line in small_lake.lines[2:]:
        day = dt.date.fromisoformat(line["time"][:10])
        if day < AS_OF:
            last[line["customer"]] = day
    days = [(AS_OF - day).days for day in last.values()]
    expected = [
        len(days),
        *[round(100 * sum(d > n for d in days) / len(days), 1) for n in (30, 60, 90)],
    ]
    assert find(displayed["first_look"], "silent_30d_percent").iloc[0].tolist() == expected


def test_first_look_shows_the_default_plan_in_its_order(displayed, small_lake):
    plan = gold_at_as_of(small_lake, "retention_plan")
    chosen = plan[plan["is_chosen"] & (plan["strategy"] == "net_value")].sort_values("rank")
    shown = find(displayed["first_look"], "offer_id")
    assert shown["customer_id"].tolist() == chosen["customer_id"].tolist()[:20]
    assert shown["send_on"].tolist() == chosen["send_on"].tolist()[:20]
    np.testing.assert_allclose(shown["at_risk"], shown["churn_probability"] * shown["at_stake"])
    shares = find(displayed["first_look"], "fifth")["percent_of_all"]
    assert shares.sum() == pytest.approx(100, abs=0.25)  # five rounding errors of 0.05
    assert shares.tolist() == sorted(shares, reverse=True)


def test_churn_model_explains_as_the_gold_tables_do(displayed, small_lake):
    displayed = displayed["churn_model"]

    riskiest = gold_at_as_of(small_lake, "customer_scores")
    top = riskiest[riskiest["churn_probability"] == riskiest["churn_probability"].max()].iloc[0]
    factors = gold_at_as_of(small_lake, "risk_factors")
    stored = factors.query("customer_id == @top.customer_id").sort_values("rank")
    shown = find(displayed, "impact")
    assert shown["feature"].tolist() == stored["feature"].tolist()
    assert shown["impact"].tolist() == pytest.approx(stored["impact"].tolist(), abs=1e-9)
    answers = find(displayed, "customer").set_index("customer")["churn_probability"]
    assert answers["as it is"] == pytest.approx(top["churn_probability"], abs=1e-9)
    models = set(find(displayed, "population")["model_name"])
    learners = {"xgboost", "logistic_regression"}
    assert models == {*learners, "recency_only", "rfm_logistic", "everyone_stays"}
    reasons = find(displayed, "main_reason")
    assert reasons["customers"].sum() == len(riskiest)
    pictures = [d for d in displayed if not isinstance(d, pd.DataFrame)]
    assert len(pictures) == 4 and all(picture.size[0] > 100 for picture in pictures)


def test_churn_model_explains_the_requested_customer(spark, small_env, small_lake, capsys):
    scores = gold_at_as_of(small_lake, "customer_scores")
    # Not the default, which is the customer with the highest risk.
    calm = scores[scores["churn_probability"] == scores["churn_probability"].min()].iloc[0]
    widgets = {"as_of": "2018-01-01", "customer_id": calm["customer_id"]}

    run(notebook("churn_model"), spark, env=small_env, **widgets)

    said = f"{calm['customer_id']}: {calm['churn_probability']:.1%} likely to leave (model)"
    assert said in capsys.readouterr().out.splitlines()


def test_churn_model_reports_an_unknown_customer(spark, small_env):
    with pytest.raises(NotebookExit) as caught:
        run(notebook("churn_model"), spark, env=small_env, customer_id="nobody")

    assert str(caught.value) == "nobody is not known at 2018-01-01"


def test_churn_model_reports_a_missing_champion(spark, small_env):
    from runtime.model_registry import CHAMPION, Registry
    from runtime.settings import load

    registry = Registry(load(small_env))
    version = registry.by_alias(CHAMPION).version
    registry.client.delete_registered_model_alias(registry.model_name, CHAMPION)
    try:
        with pytest.raises(NotebookExit) as caught:
            run(notebook("churn_model"), spark, env=small_env)
    finally:
        registry.set_alias(CHAMPION, version)

    assert str(caught.value) == "churn: no version has the alias champion. Run train_churn."


def test_which_20_percent_answers_from_the_plan(displayed, small_lake):
    shown = displayed["which_20_percent"]
    gold = {name: gold_at_as_of(small_lake, name) for name in ("customer_scores", "retention_plan")}
    fifth = len(gold["customer_scores"]) // 5
    chosen = gold["retention_plan"].query("is_chosen and strategy == 'net_value'")
    assert 0 < len(chosen) <= fifth
    listed = find(shown, "why")
    first = chosen.sort_values("rank").head(20)
    assert listed["customer_id"].tolist() == first["customer_id"].tolist()
    assert listed["why"].tolist() == first["why"].tolist()
    compared = find(shown, "at_stake_covered").set_index("strategy")
    assert set(compared.index) == set(gold["retention_plan"]["strategy"])
    # No other strategy with as many customers covers more value at risk.
    of_value = compared.loc["clv_at_risk", "chosen"]
    same_size = compared.loc[compared["chosen"] == of_value, "at_stake_covered"]
    assert same_size.max() == compared.loc["clv_at_risk", "at_stake_covered"]
    pictures = [d for d in shown if not isinstance(d, pd.DataFrame)]
    assert len(pictures) == 3
