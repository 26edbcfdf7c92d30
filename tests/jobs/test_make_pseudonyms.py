"""make_pseudonyms: each customer of gold once; another key changes all; views on Spark."""

from __future__ import annotations

import pytest

from pipelines.erasure import pseudonyms
from runtime.errors import UsageError
from runtime.lakehouse.views import register_tables
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, rows_of
from udfs.keyed_digests import keyed_digest

pytestmark = pytest.mark.spark_only
KEY, OTHER = "k" * 32, "o" * 32


def write_gold(context, ids):
    scores = [{"customer_id": i, "churn_probability": 0.5} for i in ids]
    messages = [{"customer_id": i, "campaign_id": "c", "text": "Hello Ada"} for i in ids[:1]]
    frames = {"gold.customer_scores": scores, "gold.messages": messages}
    writes = [
        Write(
            context.table(n),
            rows_of(context, n, rows),
            [AS_OF],
            "slice" if context.table(n).slice_by else "merge",
            is_checked=False,
        )
        for n, rows in frames.items()
    ]
    context.lake.commit(writes)


def test_pseudonyms_follow_the_key_and_views_show_them(make_context, monkeypatch):
    monkeypatch.setenv("HOLDFAST_PSEUDONYM_KEY", KEY)
    write_gold(make_context(), ["c1", "c2"])
    pseudonyms.run(make_context())

    def stored():
        rows = make_context().read("silver.pseudonyms").collect()
        return {r["customer_id"]: r["customer_pseudonym"] for r in rows}

    expected = {i: keyed_digest(i, KEY.encode())[:32] for i in ("c1", "c2")}
    assert stored() == expected

    context = make_context()
    assert "gold.customer_scores_pseudonymous" in register_tables(context)
    view = context.spark.table("gold.customer_scores_pseudonymous")
    assert "customer_id" not in view.columns
    assert {r["customer_pseudonym"] for r in view.collect()} == {*expected.values()}
    assert "text" not in context.spark.table("gold.messages_pseudonymous").columns

    # A customer who has left gold keeps a name, and another key changes it too.
    write_gold(make_context(), ["c2", "c3"])
    monkeypatch.setenv("HOLDFAST_PSEUDONYM_KEY", OTHER)
    pseudonyms.run(make_context())
    assert stored() == {i: keyed_digest(i, OTHER.encode())[:32] for i in ("c1", "c2", "c3")}

    monkeypatch.delenv("HOLDFAST_PSEUDONYM_KEY")
    with pytest.raises(UsageError, match="HOLDFAST_PSEUDONYM_KEY: the environment variable"):
        pseudonyms.run(make_context(env="simulated"))
