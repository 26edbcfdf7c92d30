"""The offers of conf/offers.yaml. Every error is reported with its line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from runtime.errors import UsageError
from runtime.settings import conf_dir, package_conf
from runtime.settings.core import Section, checked_condition
from runtime.settings.faults import nearest_key, not_yaml
from runtime.settings.yaml_size import check_yaml_size

NAME = "offers.yaml"
# As the link of an offer: the customer's personal link to the survey of conf.
SURVEY_LINK = "{survey}"

# Columns that the condition of an offer may use.
ELIGIBLE_BY = (
    "churn_probability",
    "recency_days",
    "tenure_days",
    "total_orders",
    "total_revenue",
    "engagement_score",
    "lifecycle",
    "segment",
)


class OfferCost(Section):
    """A share of value_at_stake, or money. Paid when redeemed, or whenever sent."""

    share: float | None = Field(default=None, ge=0, le=1)
    money: float | None = Field(default=None, ge=0)
    paid: Literal["redeemed", "sent"]

    @model_validator(mode="after")
    def _is_one_of_both(self) -> OfferCost:
        if (self.share is None) == (self.money is None):
            raise ValueError("must have either share or money, and not both")
        return self


class OfferText(Section):
    terms: str = Field(min_length=5, max_length=80)
    sentence: str = Field(min_length=5, max_length=160)

    @field_validator("terms", "sentence")
    @classmethod
    def _has_known_places(cls, text: str, info: ValidationInfo) -> str:
        """Only a sentence may have a place to fill in, and only for the last day."""
        left = text.replace("{last_day}", "") if info.field_name == "sentence" else text
        if re.search(r"[{}\r\n]", left):
            raise ValueError("must be one line; only a sentence may hold {last_day}")
        return text


class OfferSettings(Section):
    """One offer."""

    audience: str
    cost: OfferCost
    channel: Literal["email", "phone", "app", "letter"]
    valid_days: int = Field(ge=1)
    again_after_days: int = Field(ge=0)
    # Declared before most_customers, whose validator reads it.
    in_budget: bool
    most_customers: int | None = Field(ge=1)
    eligible: str | None
    theme: Literal["new features", "support", "savings", "welcome back"]
    needs_fulfilment: bool = False
    code: str | None = None
    link: str | None = None
    texts: dict[Literal["en", "de", "fr", "es"], OfferText]

    @field_validator("code")
    @classmethod
    def _can_be_typed(cls, code: str | None) -> str | None:
        if code is not None and not re.fullmatch(r"[A-Za-z0-9-]{3,30}", code):
            raise ValueError("must have 3 to 30 letters, digits or hyphens")
        return code

    @field_validator("link")
    @classmethod
    def _is_an_address(cls, link: str | None) -> str | None:
        is_address = link is None or re.fullmatch(r"https://[^\s<>\"]{3,200}", link)
        if not is_address and link != SURVEY_LINK:
            raise ValueError(
                f"must be a https: address of at most 200 characters, or {SURVEY_LINK}"
            )
        return link

    @field_validator("texts")
    @classmethod
    def _has_english(cls, texts: dict) -> dict:
        if "en" not in texts:
            raise ValueError("must have en, the fallback for every other language")
        return texts

    @field_validator("most_customers")
    @classmethod
    def _is_in_the_budget(cls, cap: int | None, info: ValidationInfo) -> int | None:
        if cap is not None and info.data.get("in_budget") is False:
            raise ValueError(
                "must be null for an offer outside the budget, because all eligible customers "
                "get it; restrict eligible, or set in_budget: true"
            )
        return cap

    @field_validator("eligible")
    @classmethod
    def _can_be_read(cls, condition: str | None) -> str | None:
        return checked_condition(condition, ELIGIBLE_BY)


class OfferFile(Section):
    offers: dict[str, OfferSettings] = Field(min_length=1)

    @field_validator("offers")
    @classmethod
    def _are_named_plainly(cls, offers: dict[str, OfferSettings]) -> dict[str, OfferSettings]:
        bad = [name for name in offers if not re.fullmatch(r"[a-z][a-z0-9_]*", name)]
        if bad:
            raise ValueError(f"the name of an offer must be lower snake_case, got {bad}")
        return offers


def load_offers() -> dict[str, OfferSettings]:
    """The offers of --conf-dir, else of the package, in the order of the file."""
    own = conf_dir() / NAME
    return read_offers(own if own.is_file() else package_conf() / NAME)


def valid_days() -> dict[str, int]:
    """Per offer the number of days during which it may be sent, from its planned day on."""
    return {name: offer.valid_days for name, offer in load_offers().items()}


def read_offers(path: Path) -> dict[str, OfferSettings]:
    """The offers of a file. UsageError lists each error with its line."""
    text = path.read_text(encoding="utf-8")
    try:
        check_yaml_size(path)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(not_yaml(f"conf/{NAME}", error)) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"conf/{NAME}: cannot be read: {error}. Make it smaller.") from None
    faults = [
        f"conf/{NAME}, line {line}: {name} is there twice. Keep one." for name, line in _twice(tree)
    ]
    try:
        file = OfferFile.model_validate(content if isinstance(content, dict) else {})
    except ValidationError as error:
        faults += [_explained(fault, tree) for fault in error.errors()]
    if faults:
        raise UsageError("\n".join(faults))
    return file.offers


def _explained(fault: Any, tree: yaml.Node | None) -> str:
    where = [part for part in fault["loc"] if part != "[key]"]
    line = _line(tree, where)
    path = ".".join(str(part) for part in where)
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        nearest = nearest_key(OfferFile, where)
        return f"conf/{NAME}, line {line}: {path} is not a setting of an offer.{nearest} Remove it."
    if fault["type"] == "missing":
        return f"conf/{NAME}, line {line}: {path} is missing. Add it."
    return f"conf/{NAME}, line {line}: {path}: {said}. Got {fault.get('input')!r}."


def _line(tree: yaml.Node | None, path: Sequence[str | int]) -> int:
    """The line of the deepest part of the path that exists."""
    node, line = tree, 1
    for part in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        hit = next(((k, v) for k, v in pairs if k.value == str(part)), None)
        if hit is None:
            break
        line, node = hit[0].start_mark.line + 1, hit[1]
    return line


def _twice(tree: yaml.Node | None) -> list[tuple[str, int]]:
    """Keys that a mapping has more than once. YAML would silently keep the last one."""
    duplicates, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    duplicates.append((key.value, key.start_mark.line + 1))
                seen.add(key.value)
                waiting.append(value)
    return sorted(duplicates, key=lambda pair: pair[1])
