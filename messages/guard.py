"""The check of a message before it is stored. It trusts nothing about who wrote it.

A text passes only if it is made of plain Latin letters and punctuation, has at most two sentences,
is in the customer's language, says the offer, and holds no number, promise, date or name beyond the
brief. Each of its words is an everyday one, the offer's or the customer's name; and of those, none
may hint at leaving, promise or invent. What cannot be judged is refused: then the template serves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from messages import words
from messages.brief import Brief
from messages.everyday import everyday
from messages.words import folded

LONGEST = 300
MOST_SENTENCES = 2
_PUNCTUATION = set(" .,!?;:'’‘“”„«»-–—…%€$£¡¿\u00a0\u202f")
_DIGITS = set("0123456789")
_SENTENCE_END = re.compile(r"[.!?…]+[»”’\"')]*(?=\s|$)")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SIGNS = "%€$£"


def faults(text: str, brief: Brief, other_names: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the rules that the text breaks, in order; empty: it may be stored.

    `other_names` are first names of other customers, which the text must not hold.
    """
    if not isinstance(text, str) or not text.strip():
        return ("empty",)
    return tuple(
        dict.fromkeys(
            [
                *_shape(text),
                *_content(text, brief),
                *_names(text, brief, other_names),
                *_unknown(text, brief),
            ]
        )
    )


def _shape(text: str) -> Iterator[str]:
    if len(text) > LONGEST:
        yield "too_long"
    if text != text.strip() or text != unicodedata.normalize("NFC", text):
        yield "characters"
    if not all(c in _PUNCTUATION or c in _DIGITS or _is_latin(c) for c in text):
        yield "characters"
    ends = len(_SENTENCE_END.findall(text))
    if ends + (not _SENTENCE_END.search(text[-3:])) > MOST_SENTENCES:
        yield "sentences"
    # A dot, a colon or a digit within a word: an address, a hidden word.
    if re.search(r"[^\W_][.:;…!?][^\W_]|[^\W\d_]\d|\d[^\W\d_]", _without_numbers_apart(text)):
        yield "layout"
    # s p e l l e d  o u t
    if re.search(r"(?:\b[^\W\d_]\b[\s.,\-–—']+){3,}", text):
        yield "layout"


def _without_numbers_apart(text: str) -> str:
    """The text with whole numbers such as 1.000 or 10,5 taken out of the layout rule."""
    return re.sub(r"(?<![^\W_])\d+(?:[.,]\d+)*(?![^\W_])", "0", text)


def _is_latin(c: str) -> bool:
    return (
        c.isalpha()
        and unicodedata.name(c, "").startswith("LATIN ")
        and "MODIFIER" not in (unicodedata.name(c))
    )


def _content(text: str, brief: Brief) -> Iterator[str]:
    own = folded(f"{brief.terms.terms} {brief.terms.sentence}")
    # "ch-urn" and "ch'urn" are read both as they stand and joined.
    said = [folded(text), re.sub(r"[-–—'‘“”\"„]", "", folded(text))]
    for rule, stems in (("leaving", words.LEAVING), ("invented", words.INVENTED)):
        if _found(stems, said):
            yield rule
    if _found(words.FOREIGN, said, own):
        yield "foreign"
    for rule, stems in (
        ("promise", words.PROMISES),
        ("number", words.NUMBER_WORDS),
        ("time", words.TIMES),
    ):
        if _found(stems, said, own):
            yield rule
    allowed = set(_NUMBER.findall(own))
    numbers = _NUMBER.findall(text)
    if set(numbers) - allowed or any(s in text and s not in own for s in _SIGNS):
        yield "number"
    if len(numbers) > len(_NUMBER.findall(folded(brief.terms.sentence))):
        yield "number"
    if not _says_the_offer(said[0], brief, allowed):
        yield "offer_missing"
    if not _is_in(brief.language, said[0]):
        yield "language"


def _found(stems: tuple[str, ...], said: Sequence[str], own: str = "") -> bool:
    """Whether the text has a word that begins with a stem which the offer's own words lack."""
    pattern = _any_of(stems)
    allowed = set(pattern.findall(own))
    return any(set(pattern.findall(text)) - allowed for text in said)


@cache
def _any_of(stems: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(stems)})".replace("(", "(?:").replace("(?:?:", "(?:"))


def _says_the_offer(said: str, brief: Brief, numbers: set[str]) -> bool:
    """Its numbers, and a word of five letters or more that its terms have."""
    if not numbers <= set(_NUMBER.findall(said)):
        return False
    return any(word in said for word in re.findall(r"[a-z]{5,}", folded(brief.terms.terms)))


def _is_in(language: str, said: str) -> bool:
    """By stop words: at least two, and more than of any other language."""
    tokens = re.findall(r"[a-z]+", said)
    hits = {name: sum(t in stops for t in tokens) for name, stops in words.STOP_WORDS.items()}
    others = max(count for name, count in hits.items() if name != language)
    return hits[language] >= 2 and hits[language] > others


def _unknown(text: str, brief: Brief) -> Iterator[str]:
    """A word that is neither an everyday one nor the offer's nor the name as the brief has it."""
    own = folded(f"{brief.terms.terms} {brief.terms.sentence}")
    known = everyday(brief.language) | set(_WORD.findall(own))
    others = set(_WORD.findall(text)) - set(_WORD.findall(brief.first_name or ""))
    # Folding may part a letter in two words, as a ligature with a sign does.
    if not set(_WORD.findall(folded(" ".join(others)))) <= known:
        yield "word"


def _names(text: str, brief: Brief, other_names: Collection[str]) -> Iterator[str]:
    mine = set(_WORD.findall(brief.first_name or ""))
    tokens = _WORD.findall(text)
    if any(t in other_names and t not in mine for t in tokens):
        yield "name"
    if _found(words.TITLES, [folded(text)]):
        yield "name"
    greeting = "|".join(words.GREETINGS)
    for sentence in re.split(r"(?<=[.!?…])\s+", text):
        if _greets_another(sentence, mine, brief.language, greeting) or (
            brief.language != "de" and _has_capital(sentence, mine)
        ):
            yield "name"


def _greets_another(sentence: str, mine: set[str], language: str, greeting: str) -> bool:
    """ "Hello X", or "X, ..." at the start: X must be the customer, or there a plain word."""
    hit = re.match(rf"[¡¿]?\s*(?:{greeting})\W+(?=(.))", folded(sentence))
    if hit:
        # folded() may change lengths (ß), so the word after the greeting is found by its count.
        words_before = len(_WORD.findall(hit[0]))
        tokens = _WORD.findall(sentence)
        after = tokens[words_before : words_before + 1]
        return (
            bool(after)
            and after[0][0].isupper()
            and after[0] not in mine
            and after[0] not in ("Sie", "Ihnen", "Ihr", "Ihre")
        )
    first = re.match(r"[¡¿]?\s*([^\W\d_]+),", sentence)
    if first is None or first[1] in mine:
        return False
    return folded(first[1]) not in everyday(language)


def _has_capital(sentence: str, mine: set[str]) -> bool:
    """A capitalised word that does not open the sentence and is not the customer."""
    tokens = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", sentence)
    return any(
        t[0].isupper() and re.split(r"['’]", t)[0] not in mine | {"I"} and t not in mine
        for t in tokens[1:]
    )
