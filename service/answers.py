"""The body of an answer from a score: threshold, level, actions, factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.answers import Score
from runtime.settings import Settings
from service.champion import ServedModel
from udfs.recommendations import Recommender, confidence_of


@dataclass(frozen=True)
class AnswerMaker:
    """Makes answers by the rules of conf."""

    recommender: Recommender
    scheme: str
    horizon_days: int

    @classmethod
    def of(cls, settings: Settings) -> AnswerMaker:
        """From conf. FormulaError for rules that cannot be read."""
        risk = settings.risk.model_dump()
        return cls(
            Recommender.of(risk, settings.actions),
            settings.risk.scheme,
            settings.churn.primary_horizon_days,
        )

    def body(
        self, row: Mapping[str, Any], score: Score, *, served: ServedModel, arm: str
    ) -> dict[str, Any]:
        """The answer without what belongs to the single request."""
        p, threshold = score.churn_probability, served.thresholds[score.score_basis]
        level = self.recommender.risk_level(p, threshold)
        actions = self.recommender.actions(
            p, row.get("engagement_score"), row.get("recency_days"), level=level
        )
        return {
            "horizon_days": self.horizon_days,
            "churn_probability": p,
            "churn_prediction": int(p >= threshold),
            "decision_threshold": threshold,
            "risk_level": level,
            "risk_scheme": self.scheme,
            "confidence_score": confidence_of(p),
            "recommended_actions": actions,
            "top_risk_factors": [
                {
                    "feature": factor.feature,
                    "value": factor.value,
                    "impact": factor.impact,
                    "direction": factor.direction,
                }
                for factor in score.factors
            ],
            "score_basis": score.score_basis,
            "model_name": served.model.metadata.get("model_name", ""),
            "model_version": served.version,
            "arm": arm,
        }
