"""The check of a message before it is stored. It trusts nothing about who wrote it.

A text passes only if it is made of plain Latin letters and punctuation, has at most two sentences,
is in the customer's language, and ends with the offer, word for word: what follows could widen it.
Before it stands no number, promise, date or name, and none of the offer's nouns. Each word there is
an everyday one or the customer's name; and of those, none may hint at leaving, promise or invent.
What cannot be judged is refused: then the template serves.
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
_TOKEN = re.compile(r"\w+|[%€$£]")
_SIGNS = "%€$£"


def faults(text: str, brief: Brief, other_names: Collection[str] = ()) -> tuple[str, ...]:
    """Names of the rules that the text breaks, in order; empty: it may be stored.

    `other_names` are first names of other customers, which the text must not hold.
    """
    if not isinstance(text, str) or not text.strip():
        return ("empty",)
    rest, has_offer = _before_offer(text, brief)
    return tuple(
        dict.fromkeys(
            [
                *_shape(text),
                *_content(text, rest, has_offer, brief),
                *_names(text, brief, other_names),
                *_unknown(rest, brief),
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


def _content(text: str, rest: str, has_offer: bool, brief: Brief) -> Iterator[str]:
    # "ch-urn" and "ch'urn" are read both as they stand and joined.
    said, before = _readings(text), _readings(rest)
    for rule, stems in (("leaving", words.LEAVING), ("invented", words.INVENTED)):
        if _found(stems, said):
            yield rule
    for rule, stems in (
        ("foreign", words.FOREIGN),
        ("promise", words.PROMISES),
        ("number", words.NUMBER_WORDS),
        ("time", words.TIMES),
    ):
        if _found(stems, before):
            yield rule
    if any(c in _DIGITS or c in _SIGNS for c in rest):
        yield "number"
    if not has_offer:
        yield "offer_missing"
    elif _nouns(brief) & set(re.findall(r"[a-z]+", before[0])):
        yield "offer_twice"
    if not _is_in(brief.language, said[0]):
        yield "language"


def _readings(text: str) -> list[str]:
    return [folded(text), re.sub(r"[-–—'‘“”\"„]", "", folded(text))]


def _before_offer(text: str, brief: Brief) -> tuple[str, bool]:
    """The text without the offer's sentence or terms, if it ends with them; whether it does.

    Cases and kinds of blanks may differ from the offer's. Of a text that lacks them the offer's
    single words are left out, so that its faults are those of the rest alone.
    """
    offer = (brief.terms.sentence, brief.terms.terms)
    quotes = [unicodedata.normalize("NFC", quote).strip().rstrip(".!?…") for quote in offer]
    for quote in quotes:
        pattern = r"\s+".join(map(re.escape, quote.split())).replace("'", "['’]")
        hit = re.search(rf"(?<![^\W_]){pattern}\s*[.!?]?$", text, re.IGNORECASE)
        if hit:
            return text[: hit.start()], True
    own = set(_TOKEN.findall(folded(" ".join(quotes))))
    return _TOKEN.sub(lambda hit: "…" if folded(hit[0]) in own else hit[0], text), False


def _nouns(brief: Brief) -> set[str]:
    """The offer's longer words, but for those that make a language."""
    longer = set(re.findall(r"[a-z]{5,}", folded(brief.terms.terms)))
    return longer - words.STOP_WORDS[brief.language]


def _found(stems: tuple[str, ...], said: Sequence[str]) -> bool:
    """Whether the text has a word that begins with a stem."""
    return any(_any_of(stems).search(text) for text in said)


@cache
def _any_of(stems: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(stems)})".replace("(", "(?:").replace("(?:?:", "(?:"))


def _is_in(language: str, said: str) -> bool:
    """By stop words: at least two, and more than of any other language."""
    tokens = re.findall(r"[a-z]+", said)
    hits = {name: sum(t in stops for t in tokens) for name, stops in words.STOP_WORDS.items()}
    others = max(count for name, count in hits.items() if name != language)
    return hits[language] >= 2 and hits[language] > others


def _unknown(rest: str, brief: Brief) -> Iterator[str]:
    """A word before the offer that is neither an everyday one nor the name as the brief has it."""
    others = set(_WORD.findall(rest)) - set(_WORD.findall(brief.first_name or ""))
    # Folding may part a letter in two words, as a ligature with a sign does.
    if not set(_WORD.findall(folded(" ".join(others)))) <= everyday(brief.language):
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
