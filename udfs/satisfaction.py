"""Satisfaction of a customer, 0 to 10: what they answered, else stars, else sentiment."""

from __future__ import annotations

from udfs.formula import SqlFormula, at_least, at_most

_PARAMETERS = (("survey_score", "DOUBLE"), ("stars", "DOUBLE"), ("sentiment", "DOUBLE"))
# Stars are 1 to 5 and sentiment is -1 to 1: the ends of each scale become 0 and 10.
_SCORE = "COALESCE(survey_score, (stars - 1.0D) * 2.5D, (sentiment + 1.0D) * 5.0D)"

satisfaction_score = SqlFormula(
    name="satisfaction_score",
    parameters=_PARAMETERS,
    returns="DOUBLE",
    body=at_least(f"({at_most(_SCORE, '10.0D')})", "0.0D"),
    comment="Survey score, else (stars - 1) * 2.5, else (sentiment + 1) * 5; 0 to 10; null: none.",
)
"""
| survey_score | stars | sentiment | satisfaction_score |
|---|---|---|---|
| 3 | 5 | 1 | 3 |
| null | 1 | 1 | 0 |
| null | 4 | -1 | 7.5 |
| null | null | -0.5 | 2.5 |
| null | null | null | null |
"""

satisfaction_basis = SqlFormula(
    name="satisfaction_basis",
    parameters=_PARAMETERS,
    returns="STRING",
    body="CASE WHEN survey_score IS NOT NULL THEN 'survey' WHEN stars IS NOT NULL THEN 'stars' "
    "WHEN sentiment IS NOT NULL THEN 'sentiment' ELSE 'unknown' END",
    comment="What satisfaction_score is based on: survey, stars, sentiment or unknown.",
)
"""
| survey_score | stars | sentiment | satisfaction_basis |
|---|---|---|---|
| 0 | 5 | 1 | survey |
| null | 1 | 1 | stars |
| null | null | 0 | sentiment |
| null | null | null | unknown |
"""
