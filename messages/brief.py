"""What a text is written for: offer, theme, tone and language. Nothing about a customer."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass

LANGUAGES = ("en", "de", "fr", "es")
DEFAULT_LANGUAGE = "en"
THEMES = ("new features", "support", "savings", "welcome back")
TONES = ("warm", "appreciative", "welcoming")
DEFAULT_TONE = "warm"
# Neutral theme per main reason. Without a main reason, a silent or lost customer is welcomed back,
# and for other customers the theme of the offer is used.
THEME_OF_REASON = {
    "price": "savings",
    "competitor": "savings",
    "features": "new features",
    "quality": "support",
    "support": "support",
}
# A language tag: two letters, then perhaps a script or region, as in de-AT, de_DE or zh-Hant-TW.
LANGUAGE_TAG = r"^\s*([A-Za-z]{2})\s*(?:[-_.][A-Za-z0-9_.@-]*\s*)?$"
_TAG = re.compile(LANGUAGE_TAG)


@dataclass(frozen=True)
class Terms:
    """An offer in one language. `terms` is a phrase; `sentence` is a complete sentence.

    sentence: may hold {last_day}, which is replaced by the last day of the offer.
    code, link: how to redeem the offer; None: nothing to enter or to open.
    """

    terms: str
    sentence: str
    code: str | None = None
    link: str | None = None


@dataclass(frozen=True, order=True)
class Brief:
    """What a text is written for. All customers with the same brief share its texts."""

    offer_id: str
    theme: str
    tone: str
    language: str

    def text_id(self, text: str) -> str:
        """Hash of brief and text: the same text for the same brief has the same id."""
        content = json.dumps([asdict(self), text], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


def language_of(value: object) -> str | None:
    """The language of a tag, with or without a region. None: not one of LANGUAGES.

    >>> language_of("de-AT"), language_of("de_DE.UTF-8"), language_of("es "), language_of("German")
    ('de', 'de', 'es', None)
    """
    hit = _TAG.fullmatch(value) if isinstance(value, str) else None
    language = hit[1].lower() if hit else ""
    return language if language in LANGUAGES else None
