"""Bodies of /fraud/score."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)

from service.schemas import STRICT, RiskFactor

# Printable: the character NUL separates the id from the amount in Redis.
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\ufffd]+$")]
MOST_AMOUNT = 1_000_000
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
MICROSECOND = dt.timedelta(microseconds=1)


def _in_cents(amount: float) -> float:
    if abs(amount * 100 - round(amount * 100)) > 1e-6:
        raise ValueError("must have at most two decimals")
    return amount


class Payment(BaseModel):
    """One payment. null: unknown."""

    model_config = ConfigDict(
        **STRICT,
        json_schema_extra={
            "examples": [
                {
                    "payment_id": "payment-1",
                    "customer_id": "customer-1",
                    "card_id": "card-1",
                    "device_id": "device-1",
                    "merchant_id": "merchant-1",
                    "merchant_category": "electronics",
                    "country": "DE",
                    "latitude": 52.52,
                    "longitude": 13.4,
                    "amount": 129.9,
                    "paid_at": "2026-01-01T12:00:00Z",
                }
            ]
        },
    )

    payment_id: Id = Field(description="The same id again gives the same answer and counts once")
    customer_id: Id
    card_id: Id | None = Field(description="A token of the card, never its number")
    device_id: Id | None
    merchant_id: Id
    merchant_category: Id | None
    country: Id | None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None
    amount: Annotated[float, Field(ge=0, le=MOST_AMOUNT), AfterValidator(_in_cents)]
    paid_at: AwareDatetime = Field(description="With its zone, such as 2026-01-01T12:00:00Z")

    @model_validator(mode="after")
    def _whole_place(self) -> Payment:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude must both have a value, or both be null")
        if self.paid_at < EPOCH:
            raise ValueError("paid_at must be 1970 or later")
        return self

    def facts(self) -> dict[str, Any]:
        """The values as `models.fraud` takes them: cents, and microseconds since 1970."""
        facts = {**self.__dict__, "cents": round(self.amount * 100)}
        del facts["amount"]
        facts["paid_at"] = (self.paid_at - EPOCH) // MICROSECOND
        return facts


PAYMENT = TypeAdapter(Payment)


class FraudAnswer(BaseModel):
    """What is decided about a payment."""

    request_id: str
    payment_id: str
    decision: Literal["approve", "review", "block"]
    is_alert: bool = Field(description="true: the decision is review or block")
    score: float | None = Field(
        description="basis model: probability of fraud; anomaly: 0 (usual) to 1; degraded: null"
    )
    reason: str | None = Field(description="What raised the score most, in words")
    top_risk_factors: list[RiskFactor]
    basis: Literal["model", "anomaly", "degraded"] = Field(
        description="degraded: Redis is away, or not filled, or the payment came more than a day "
        "late, or there is no model. Rules on the payment alone"
    )
    model_version: str | None
    received_at: str | None = Field(
        description="When the payment was counted; silver.payments keeps it. null: it was not"
    )
