"""Bodies of requests and answers. The features of a request are those of the champion."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, create_model
from pydantic.config import JsonDict

from contracts import catalog
from contracts.features import FEATURE_TABLES
from models.answers import FACTS
from models.encoding import LARGEST, FeatureEncoder

# Without these, pydantic takes false as 0.0, "3" as 3, and ignores a misspelt name.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

CustomerId = Annotated[
    str, Field(min_length=1, max_length=200, description="The customer, as in the feature tables")
]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Text = Annotated[str, Field(max_length=1_000)]
TYPES: dict[str, Any] = {"boolean": bool, "string": Text}


Fresh = Annotated[
    bool,
    Field(
        description="true: use the features of the open day, where gold.engagement_live has them. "
        "The answer then differs from the scored tables, and is not cached"
    ),
]
LIVE = Field(description="null: see engagement_live_basis")
LiveBasis = Annotated[
    Literal["events", "no_events", "no_stream", "no_customer_id"],
    Field(
        description="no_events: none of the customer on the open day or in the 30 days before it; "
        "no_stream: stream_events has not run; no_customer_id: the request names none"
    ),
]


class ById(BaseModel):
    """Predict for a customer of the online store."""

    model_config = ConfigDict(
        **STRICT, json_schema_extra={"examples": [{"customer_id": "customer-1"}]}
    )

    customer_id: CustomerId
    fresh: Fresh = False


class EngagementLive(BaseModel):
    """Engagement with the events of the open day so far, from gold.engagement_live."""

    day: str = Field(description="The open day: that of the newest event of all customers")
    engagement_score: float | None = Field(description="0 to 1; null: no component is known")
    engagement_basis: str | None = Field(description="Components of the score")
    change_1d: float | None = Field(description="Since the end of the day before")
    level: str | None
    updated_at: str = Field(description="Last event of the customer")


class RiskFactor(BaseModel):
    """One of the five features with the largest SHAP value in size."""

    feature: str
    value: str | None = Field(description="Value as text; null: unknown")
    impact: float = Field(description="SHAP value; above 0 raises the risk")
    direction: Literal["increase", "decrease"]


class Answer(BaseModel):
    """The churn risk of one customer."""

    request_id: str
    cache: Literal["hit", "miss", "off", "unavailable"] = Field(
        description="hit: an answer of the last hour; off: not cached; unavailable: Redis does "
        "not answer, the features come from Delta or from the request"
    )
    engagement_live: EngagementLive | None = LIVE
    engagement_live_basis: LiveBasis
    features_basis: Literal["closed_day", "open_day", "request"] = Field(
        description="What the probability was computed from. closed_day equals the scored tables"
    )
    open_day_features: list[str] = Field(
        description="Features with the values of the open day; the others are those of as_of"
    )
    customer_id: str | None
    as_of: str | None = Field(
        description="The closed day of the features; null: they came with the request"
    )
    horizon_days: int
    churn_probability: float
    churn_prediction: int = Field(description="1: churn_probability >= decision_threshold")
    decision_threshold: float
    risk_level: str
    risk_scheme: str
    confidence_score: float
    recommended_actions: list[str]
    top_risk_factors: list[RiskFactor]
    score_basis: Literal["model", "cold_start"]
    model_name: str
    model_version: str
    arm: Literal["champion", "challenger"]


class BatchItem(BaseModel):
    """One answer of a batch: either an answer, or what was wrong with this customer."""

    model_config = ConfigDict(extra="allow")

    customer_id: str | None
    status: int


class BatchAnswer(BaseModel):
    """Answers in the order of the request. An unknown customer has status 404 and a detail."""

    request_id: str
    answers: list[Answer | BatchItem]


class CustomerFeatures(BaseModel):
    """The features of the last closed day."""

    customer_id: str
    as_of: str
    source: Literal["online_store", "delta"]
    features: dict[str, bool | float | str | None]


class Customer(BaseModel):
    """What gold says about a customer at the last closed day; null: no row in that table."""

    customer_id: str
    as_of: str
    source: Literal["online_store", "delta"]
    engagement_live: EngagementLive | None = LIVE
    engagement_live_basis: LiveBasis
    segment: dict[str, Any] | None
    score: dict[str, Any] | None


class ModelInfo(BaseModel):
    """The versions that answer."""

    model_name: str
    version: str
    learner: str
    horizon_days: int
    decision_threshold: float
    challenger: str | None
    experiment_id: str | None
    challenger_share: float
    features: list[str]


class RequestSchema:
    """The bodies of /predict and /predict/batch for one model."""

    TAGS = ("features", "customer_id")

    def __init__(self, encoder: FeatureEncoder, max_batch: int) -> None:
        self.features = features_model(encoder)
        self.with_features = create_model(
            "WithFeatures",
            __config__=ConfigDict(
                **STRICT, json_schema_extra={"examples": [{"features": _example(encoder)}]}
            ),
            __doc__="Predict from features. customer_id: for the arm of an A/B test and the log.",
            customer_id=(CustomerId | None, None),
            features=(self.features, ...),
        )
        self._max_batch = max_batch

    @cached_property
    def one(self) -> TypeAdapter[Any]:
        """The body of /predict."""
        return _either(ById, self.with_features, key="features")

    @cached_property
    def batch(self) -> TypeAdapter[Any]:
        """The body of /predict/batch: ids, or rows of features."""
        example: JsonDict = {"customer_ids": ["customer-1", "customer-2"]}
        ids = create_model(
            "BatchById",
            __config__=ConfigDict(**STRICT, json_schema_extra={"examples": [example]}),
            __doc__="Predict for customers of the online store.",
            customer_ids=(self._listed(CustomerId), ...),
            fresh=(Fresh, False),
        )
        rows = create_model(
            "BatchWithFeatures",
            __config__=STRICT,
            __doc__="Predict from rows of features.",
            rows=(self._listed(self.with_features), ...),
        )
        return _either(ids, rows, key="rows")

    def _listed(self, item: Any) -> Any:
        """1 to max_batch items."""
        return Annotated[list[item], Field(min_length=1, max_length=self._max_batch)]

    @cached_property
    def invocation(self) -> TypeAdapter[Any]:
        """The body of /invocations as the document describes it: one of the forms of MLflow."""
        # As MLflow does with a signature, further columns are left out.
        columns = {**STRICT, "extra": "allow"}
        row = create_model("Columns", __base__=self.features, __config__=None)
        row.model_config = ConfigDict(**columns)  # type: ignore[typeddict-item]
        row.model_rebuild(force=True)
        return TypeAdapter(
            create_model(
                "Invocation",
                __config__=STRICT,
                __doc__="Rows of features. The other forms of MLflow are taken too.",
                dataframe_records=(self._listed(row), ...),
            )
        )


def features_model(encoder: FeatureEncoder) -> type[BaseModel]:
    """One required field per feature of the model, null if unknown.

    Facts that are no features of the model (`models.answers.FACTS`) are optional.
    """
    kinds = feature_types()
    fields: dict[str, Any] = {}
    for name in encoder.feature_names:
        kind = "string" if name in dict(encoder.categories) else kinds.get(name, "double")
        fields[name] = (TYPES.get(kind, Number) | None, ...)
    for name in FACTS:
        fields.setdefault(name, (Number | None, None))
    return create_model("Features", __config__=STRICT, **fields)


def feature_types() -> dict[str, str]:
    """The type of each column of the feature tables, as the contracts declare it."""
    tables = catalog.tables()
    return {c.name: c.type for name in FEATURE_TABLES for c in tables[name].columns}


def _example(encoder: FeatureEncoder) -> dict[str, Any]:
    kinds, values = feature_types(), dict(encoder.categories)
    example: dict[str, Any] = {
        name: True if kinds.get(name) == "boolean" else 1.0 for name in encoder.numeric
    }
    return {**example, **{name: known[0] if known else None for name, known in values.items()}}


def _either(by_id: type[BaseModel], given: type[BaseModel], *, key: str) -> TypeAdapter[Any]:
    """A body with features if it has the key, else one with ids."""

    def kind(body: Any) -> str:
        return "features" if isinstance(body, Mapping) and key in body else "customer_id"

    forms: Any = Annotated[by_id, Tag("customer_id")] | Annotated[given, Tag("features")]
    return TypeAdapter(Annotated[forms, Discriminator(kind)])
