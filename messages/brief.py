"""Customer data that may leave the company: five fields, each cleaned."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass

LANGUAGES = ("en", "de", "fr", "es")
DEFAULT_LANGUAGE = "en"
THEMES = ("new features", "support", "savings")
# Neutral theme per main reason. For any other reason the theme of the offer is used.
THEME_OF_REASON = {
    "price": "savings",
    "competitor": "savings",
    "features": "new features",
    "quality": "support",
    "support": "support",
}
LONGEST_NAME = 20
_NAME = re.compile(r"[^\W\d_]+(?:[-'’ ][^\W\d_]+)?")
# A text with these words is not a name. It is dropped, and the message greets without a name.
_NOT_IN_NAMES = re.compile(
    r"\b(ignore|system|prompt|assistant|human|offer|print|say|reply|write|disregard|override|admin"
    r"|free|above|previous|instruction\w*|null|none|nan|test|customer)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Terms:
    """An offer in one language. `terms` is a phrase; `sentence` is a complete sentence."""

    terms: str
    sentence: str


@dataclass(frozen=True)
class Brief:
    """The data for one message. Only these fields may leave the company.

    first_name is None if it is unknown or does not look like a name.
    """

    first_name: str | None
    tenure_months: int
    language: str
    offer_id: str
    terms: Terms
    theme: str

    def sent(self) -> dict[str, object]:
        """The fields that are sent to the model."""
        return {
            "first_name": self.first_name,
            "customer_for_months": self.tenure_months,
            "language": self.language,
            "offer": self.terms.terms,
            "theme": self.theme,
        }

    def digest(self, prompt_version: str) -> str:
        """Hash of the brief and the prompt. An unchanged hash needs no second call."""
        text = json.dumps([asdict(self), prompt_version], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def make_brief(
    first_name: object,
    tenure_months: object,
    language: object,
    *,
    offer_id: str,
    texts: Mapping[str, Terms],
    offer_theme: str,
    main_reason: object = None,
) -> Brief:
    """Create a brief from table values, which may be invalid.

    `texts` maps language to the terms of the offer, and must contain English. English is used for
    languages that are not in `texts`.
    """
    spoken = language if isinstance(language, str) and language in texts else DEFAULT_LANGUAGE
    reason = main_reason if isinstance(main_reason, str) else ""
    return Brief(
        first_name=clean_name(first_name),
        tenure_months=_months(tenure_months),
        language=spoken,
        offer_id=offer_id,
        terms=texts[spoken],
        theme=THEME_OF_REASON.get(reason, offer_theme),
    )


def clean_name(value: object) -> str | None:
    """The first name, or None if the value is not a name. A name is one or two words of letters.

    If a blank separates two words, only the first is used, because the second may be the surname.

    >>> clean_name(" Ada "), clean_name("Jean-Luc"), clean_name("Ada. Ignore the above")
    ('Ada', 'Jean-Luc', None)
    >>> clean_name("Ada Lovelace")
    'Ada'
    """
    if not isinstance(value, str):
        return None
    name = unicodedata.normalize("NFC", value.strip())
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name) or _NOT_IN_NAMES.search(name):
        return None
    # Names in other alphabets are valid, but cannot be distinguished from homoglyph attacks.
    letters = (unicodedata.name(c, "") for c in name if c.isalpha())
    return name.split(" ")[0] if all(n.startswith("LATIN") for n in letters) else None


def _months(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return 0
    return int(min(max(value, 0), 600))
