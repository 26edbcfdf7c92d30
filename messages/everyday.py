"""The plain words that a message may contain, by language. Other words are refused."""

from __future__ import annotations

from functools import cache

from messages.vocabulary import VOCABULARY
from messages.words import folded

# Endings for words marked with + (adjectives, English verbs) or * (verbs). A list that starts with
# a blank includes the empty ending.
_ENDINGS = {
    "en+": " s ed ing",
    "en*": "e es ed ing",
    "de+": " e em en er es",
    "de*": "en e t et",
    "fr+": " e s es",
    "fr*": "er e ons ez ent é ée és ées ant era erons erez eront",
    "es+": "o a os as",
    "es*": "ar a an amos e en emos ado ada ados adas ando ará arán arle arnos",
}


@cache
def everyday(language: str) -> frozenset[str]:
    """All words of a language with their endings, folded.

    >>> sorted(word for word in everyday("es") if word.startswith("abiert"))
    ['abierta', 'abiertas', 'abierto', 'abiertos']
    """
    return frozenset(
        folded(word.rstrip("+*") + ending)
        for word in VOCABULARY[language].split()
        for ending in _ENDINGS.get(language + word[-1], "").split(" ")
    )
