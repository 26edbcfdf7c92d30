"""Bodies of /fraud/score."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from service.schemas import STRICT, RiskFactor
from udfs.micros import micros_of

# Printable: the character NUL separates the id from the amount in Redis.
Id = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f\ufffd]+$")]
MOST_AMOUNT = 1_000_000


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
    amount: Annotated[float, Field(ge=0, le=MOST_AMOUNT)] = Field(
        description="Rounded to two decimals"
    )
    paid_at: AwareDatetime = Field(description="With its zone, such as 2026-01-01T12:00:00Z")

    def facts(self) -> dict[str, Any]:
        """The values as `models.fraud` takes them: cents, and microseconds since 1970."""
        facts = {**self.__dict__, "cents": round(self.amount * 100)}
        del facts["amount"]
        if self.latitude is None or self.longitude is None:
            facts["latitude"] = facts["longitude"] = None  # half a place is none
        facts["paid_at"] = micros_of(self.paid_at)
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
        description="degraded: rules on the payment alone, as Redis is away or not filled, the "
        "payment came more than a day late or is dated ahead of the clock, or there is no model"
    )
    model_version: str | None
    received_at: str | None = Field(
        description="When the payment was counted; silver.payments keeps it. null: it was not"
    )
