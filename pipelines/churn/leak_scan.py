"""Scan for leaking features before any fit: reject a feature that alone predicts churn."""

from __future__ import annotations

from models.leakage import ranking_power
from pipelines.churn.candidates import TrainingData
from runtime.errors import ModelGateError


def scan_for_leaks(data: TrainingData) -> None:
    """Raise ModelGateError if one feature alone has a ROC AUC above the leak alarm.

    The ROC AUC is that of the validation date. Typical leaks are a reason for leaving in the
    profile, or a field that is filled when a contract ends. `check_leak` applies the same limit to
    the models on the test date.
    """
    ceiling = data.context.settings.training.leak_alarm_roc_auc
    rows, label, encoder = data.held_out, data.held_out_label, data.plain.encoder
    powers = {
        name: ranking_power(rows[name], label, name in encoder.numeric)
        for name in encoder.feature_names
    }
    leaks = {name: power for name, power in powers.items() if power > ceiling}
    if leaks:
        told = ", ".join(f"{n} (ROC AUC {p:.3f})" for n, p in sorted(leaks.items()))
        raise ModelGateError(
            f"{told}: on {data.plan.validation} this feature alone predicts churn better than "
            f"training.leak_alarm_roc_auc = {ceiling} allows. It probably contains information "
            "from the future. Nothing was trained. Remove it from sources.<name>.mapping in conf, "
            "or raise the limit."
        )
