"""Settings of the feature tables."""

from __future__ import annotations

from pydantic import Field, field_validator

from runtime.settings.core import Section, TimeZone


class SentimentReadingSettings(Section):
    """Claude reads the sentiment of up to `most_texts` tickets and as many reviews."""

    is_on: bool
    most_texts: int = Field(ge=0, le=100_000)
    texts_a_call: int = Field(ge=1, le=50)


class FeatureSettings(Section):
    windows_days: list[int] = Field(min_length=1)
    business_time_zone: TimeZone
    sentiment_by_claude: SentimentReadingSettings

    @field_validator("windows_days")
    @classmethod
    def _has_what_others_use(cls, windows: list[int]) -> list[int]:
        missing = sorted({30, 60, 90, 365} - set(windows))
        if missing or min(windows) < 1:
            raise ValueError(
                "must contain 30, 60, 90 and 365 (formulas use them), and no value below 1; "
                f"missing: {missing}"
            )
        return sorted(set(windows))
