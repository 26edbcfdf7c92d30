"""Each table either has rows of customers, which erase_customer deletes, or is named here."""

from __future__ import annotations

from contracts.catalog import tables
from contracts.silver import QUARANTINE

# Sums, texts, settings and files: no row is about one customer. A new table needs a decision.
NO_CUSTOMERS = {
    "bronze.ingest_log",
    "bronze.stream_log",
    "gold.alerts",
    "gold.app_changes",
    "gold.campaign_results",
    "gold.clv_backtest",
    "gold.drift",
    "gold.erasures",
    "gold.feature_sets",
    "gold.inference_checks",
    "gold.lifetime_models",
    "gold.model_ab",
    "gold.model_arms",
    "gold.model_comparison",
    "gold.model_performance",
    "gold.model_validations",
    "gold.offer_plan",
    "gold.policy_comparison",
    "gold.promise_results",
    "gold.segment_migration",
    "gold.segment_survival",
    "gold.strategy_comparison",
    "gold.text_pool",
    "gold.text_results",
    "gold.uplift_results",
    "silver.erasure_list",
    # Names a payment, whose own row is deleted.
    "silver.fraud_labels",
}


def test_a_table_without_customers_is_named():
    without = {n for n, t in tables().items() if "customer_id" not in t.column_names}
    assert without - {QUARANTINE.name} == NO_CUSTOMERS
