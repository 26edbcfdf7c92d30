"""The scan before any fit: a feature that alone knows who churns is refused by its name."""

from __future__ import annotations

from pipelines.churn.candidates import TrainingData
from runtime.errors import ModelGateError


def scan_for_leaks(data: TrainingData) -> None:
    """Stop where one feature alone ranks the validation date better than any model may.

    A reason for leaving that stands in the profile, a field that is filled when a contract ends:
    whoever has it has left already. The same ceiling holds for the models, on the test date.
    """
    from models.leakage import ranking_power

    ceiling = data.context.settings.training.leak_alarm_roc_auc
    rows, label, encoder = data.held_out, data.held_out_label, data.plain.encoder
    found = {n: ranking_power(rows[n], label, n in encoder.numeric) for n in encoder.feature_names}
    leaks = {name: power for name, power in found.items() if power > ceiling}
    if leaks:
        told = ", ".join(f"{n} (ROC AUC {p:.3f})" for n, p in sorted(leaks.items()))
        raise ModelGateError(
            f"{told}: one feature alone tells who churns, on {data.plan.validation}, better than "
            f"training.leak_alarm_roc_auc = {ceiling} allows: it is likely to know the future. "
            "Nothing was trained. Take it out of sources.<name>.mapping in conf, or raise the "
            "ceiling."
        )
