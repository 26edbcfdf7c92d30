"""What the online store holds per customer, and its keys in Redis.

    holdfast:<env>:customer:<id>            <stamp> LF <features as JSON> LF <profile as JSON>
    holdfast:<env>:answer:<models>:<id>     <stamp> LF <answer as JSON>
    holdfast:<env>:filled                   {"as_of": ..., "customers": ...} of the last full fill

The stamp is a hash of the features and their day. An answer with another stamp than the record's
was made from other features, and is ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic_core import from_json, to_json

STAMP_BYTES = 8


@dataclass(frozen=True)
class Record:
    """One customer at the last closed day.

    features_json: an object with as_of, and the features by name. profile_json: the rows of
    gold.customer_segments and gold.customer_scores. source: online_store or delta.
    """

    stamp: str
    features_json: bytes
    profile_json: bytes
    source: str

    @classmethod
    def of(
        cls, as_of: str, features: Mapping[str, Any], profile: Mapping[str, Any], *, source: str
    ) -> Record:
        """A record of the values of the tables. NaN must have become None."""
        text = to_json({"as_of": as_of, **features})
        stamp = hashlib.blake2b(text, digest_size=STAMP_BYTES).hexdigest()
        return cls(stamp, text, to_json(dict(profile)), source)

    @classmethod
    def parsed(cls, value: bytes) -> Record:
        """The record of a value in Redis."""
        stamp, features, profile = value.split(b"\n", 2)
        return cls(stamp.decode(), features, profile, "online_store")

    def value(self) -> bytes:
        """The value in Redis. JSON of pydantic has no line breaks."""
        return b"\n".join((self.stamp.encode(), self.features_json, self.profile_json))

    @cached_property
    def as_of(self) -> str:
        """The closed day, as YYYY-MM-DD."""
        return str(self._content["as_of"])

    @cached_property
    def features(self) -> dict[str, Any]:
        """The features by name."""
        return {name: value for name, value in self._content.items() if name != "as_of"}

    @property
    def profile(self) -> dict[str, Any]:
        """segment and score: the rows of the gold tables, or None."""
        return dict(json.loads(self.profile_json))

    @cached_property
    def _content(self) -> dict[str, Any]:
        return dict(from_json(self.features_json))


@dataclass(frozen=True)
class Keys:
    """The keys of one environment."""

    env: str

    @property
    def filled(self) -> str:
        """Exists while the records are complete."""
        return f"holdfast:{self.env}:filled"

    def customer(self, customer_id: str) -> str:
        """The record of a customer."""
        return f"holdfast:{self.env}:customer:{customer_id}"

    def answer(self, models: str, customer_id: str) -> str:
        """The cached answer of a customer by these models."""
        return f"holdfast:{self.env}:answer:{models}:{customer_id}"
