"""Build all formulas from conf, and register them as SQL functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from udfs import behavior, engagement, rfm, risk, risk_bands, satisfaction, value
from udfs.formula import FormulaError, SqlFormula, check_keys

# Settings that the formulas read: section of conf -> keys.
SETTINGS: dict[str, tuple[str, ...]] = {
    "lifecycle": ("active_days", "silent_days"),
    "engagement": ("cap", "weights"),
    "high_risk_churn": ("recency_days_above", "engagement_below", "support_tickets_above"),
    "clv_score": value.CLV_KEYS,
    "rfm": ("priority_weights",),
    "segments": ("rules", "groups"),
    "risk": ("scheme", "schemes", "level_actions", "call_above"),
}


def formulas(settings: Mapping[str, Any]) -> tuple[SqlFormula, ...]:
    """Build all formulas from conf. Other sections and keys of conf are ignored.

    The sections in `SETTINGS` and `actions` are read. Each is described at its formula.

        lifecycle: {active_days: 30, silent_days: 90}
        engagement: {cap: 10, weights: {login_frequency_30d: 0.3, ...}}
        high_risk_churn: {recency_days_above: 60, engagement_below: 0.3, support_tickets_above: 5}
        clv_score: {lifetime_factor: 1.2, lifetime_cap_months: 60, frequency_factor: 2,
                    frequency_cap: 3, value_tiers: [{above: 500, multiplier: 1.5}, ...]}
        rfm: {priority_weights: {r: 0.4, f: 0.3, m: 0.3}}
        segments: {rules: [{r: [5, 5], fm_at_least: 4, segment: Champions}, ...],
                   groups: {High-value: [Champions], ...}}
        risk: {scheme: four_bands, schemes: {four_bands: [{level: CRITICAL, above: 0.8}, ...]},
               level_actions: [{level: CRITICAL, action: Call within two days}, ...],
               call_above: 500}
        actions: [{when: churn_probability > 0.7, actions: [Win-back offer with discount]}, ...]

    Raises FormulaError, with the key in conf, if a key is missing or a value is invalid.
    """
    _check_sections(settings)
    weights = settings["engagement"]["weights"]
    segments = settings["segments"]
    named, grouped = rfm.segments_of(segments["rules"]), set().union(*segments["groups"].values())
    check_keys(grouped, sorted(named), "conf segments.groups: segments")
    return (
        behavior.recency_days,
        behavior.tenure_days,
        behavior.tenure_months,
        behavior.purchase_frequency,
        behavior.lifecycle(**_section(settings, "lifecycle")),
        engagement.login_frequency,
        engagement.capped_share(settings["engagement"]["cap"]),
        engagement.engagement_score(weights),
        engagement.engagement_basis(weights),
        satisfaction.satisfaction_score,
        satisfaction.satisfaction_basis,
        value.avg_order_value,
        value.revenue_trend,
        value.clv_score(_section(settings, "clv_score")),
        rfm.quintile_score,
        rfm.rfm_score,
        rfm.rfm_priority(settings["rfm"]["priority_weights"]),
        rfm.segment(segments["rules"]),
        rfm.segment_group(segments["groups"]),
        risk_bands.risk_level(_bands(settings["risk"])),
        risk.confidence_score,
        risk.high_risk_churn(**_section(settings, "high_risk_churn")),
        risk.recommended_actions(
            settings["actions"], settings["risk"]["level_actions"], settings["risk"]["call_above"]
        ),
    )


def _section(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: settings[name][key] for key in SETTINGS[name]}


def _check_sections(settings: Mapping[str, Any]) -> None:
    missing = [name for name in (*SETTINGS, "actions") if name not in settings]
    missing += [
        f"{name}.{key}"
        for name, keys in SETTINGS.items()
        for key in keys
        if name in settings and key not in settings[name]
    ]
    if missing:
        raise FormulaError(f"conf: settings {missing} are missing. Set them in conf/defaults.yaml.")


def _bands(settings: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    scheme, schemes = settings["scheme"], settings["schemes"]
    if scheme not in schemes:
        raise FormulaError(
            f"conf risk.scheme: must be one of {', '.join(schemes)}, got {scheme!r}. "
            "Use one of these, or add the scheme to risk.schemes."
        )
    return list(schemes[scheme])
