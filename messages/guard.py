"""Check a message before it is stored. The guard does not trust the writer.

A text passes only if it contains only plain Latin letters and punctuation, has at most two
sentences, is in the customer's language, and ends with the exact words of the offer (text after the
offer could extend it). The text before the offer must contain no number, promise, date or other
name, and none of the offer's nouns. Each word there must be an everyday word or the customer's
name, and must not hint at leaving, promise anything or invent facts. A text that cannot be judged
is refused. The template is used instead.
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
    """Names of the rules that the text breaks, in order. Empty: the text may be stored.

    `other_names` are first names of other customers. The text must not contain them.
    """
    if not isinstance(text, str) or not text.strip():
        return ("empty",)
    opening, has_offer = _before_offer(text, brief)
    return tuple(
        dict.fromkeys(
            [
                *_shape(text),
                *_content(text, opening, has_offer, brief),
                *_names(text, brief, other_names),
                *_unknown(opening, brief),
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
    # A dot, colon or digit inside a word: an address or a hidden word.
    if re.search(r"[^\W_][.:;…!?][^\W_]|[^\W\d_]\d|\d[^\W\d_]", _without_numbers_apart(text)):
        yield "layout"
    # A word that is s p e l l e d  o u t.
    if re.search(r"(?:\b[^\W\d_]\b[\s.,\-–—']+){3,}", text):
        yield "layout"


def _without_numbers_apart(text: str) -> str:
    """Replace numbers such as 1.000 or 10,5 by 0, so that the layout rule ignores them."""
    return re.sub(r"(?<![^\W_])\d+(?:[.,]\d+)*(?![^\W_])", "0", text)


def _is_latin(c: str) -> bool:
    return (
        c.isalpha()
        and unicodedata.name(c, "").startswith("LATIN ")
        and "MODIFIER" not in (unicodedata.name(c))
    )


def _content(text: str, opening: str, has_offer: bool, brief: Brief) -> Iterator[str]:
    # "ch-urn" and "ch'urn" are checked both unchanged and joined.
    said, before = _readings(text), _readings(opening)
    for rule, stems in (("leaving", words.LEAVING), ("invented", words.INVENTED)):
        if _has_any(stems, said):
            yield rule
    for rule, stems in (
        ("foreign", words.FOREIGN),
        ("promise", words.PROMISES),
        ("number", words.NUMBER_WORDS),
        ("time", words.TIMES),
    ):
        if _has_any(stems, before):
            yield rule
    if any(c in _DIGITS or c in _SIGNS for c in opening):
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
    """The text before the offer, and True if the text ends with the offer's sentence or terms.

    Letter case and kinds of blanks may differ. If the offer is missing, the single words of the
    offer are masked, so that only the other words are checked.
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
    """The longer words of the offer, without stop words."""
    longer = set(re.findall(r"[a-z]{5,}", folded(brief.terms.terms)))
    return longer - words.STOP_WORDS[brief.language]


def _has_any(stems: tuple[str, ...], said: Sequence[str]) -> bool:
    """True if the text has a word that starts with a stem."""
    return any(_any_of(stems).search(text) for text in said)


@cache
def _any_of(stems: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(stems)})".replace("(", "(?:").replace("(?:?:", "(?:"))


def _is_in(language: str, said: str) -> bool:
    """True if the text has at least two stop words of the language, and fewer of any other."""
    tokens = re.findall(r"[a-z]+", said)
    hits = {name: sum(t in stops for t in tokens) for name, stops in words.STOP_WORDS.items()}
    others = max(count for name, count in hits.items() if name != language)
    return hits[language] >= 2 and hits[language] > others


def _unknown(opening: str, brief: Brief) -> Iterator[str]:
    """Yield "word" if a word before the offer is neither an everyday word nor the name."""
    others = set(_WORD.findall(opening)) - set(_WORD.findall(brief.first_name or ""))
    # Folding may split a letter into two words, for example a ligature with a sign.
    if not set(_WORD.findall(folded(" ".join(others)))) <= everyday(brief.language):
        yield "word"


def _names(text: str, brief: Brief, other_names: Collection[str]) -> Iterator[str]:
    mine = set(_WORD.findall(brief.first_name or ""))
    tokens = _WORD.findall(text)
    if any(t in other_names and t not in mine for t in tokens):
        yield "name"
    if _has_any(words.TITLES, [folded(text)]):
        yield "name"
    greeting = "|".join(words.GREETINGS)
    for sentence in re.split(r"(?<=[.!?…])\s+", text):
        if _greets_another(sentence, mine, brief.language, greeting) or (
            brief.language != "de" and _has_capital(sentence, mine)
        ):
            yield "name"


def _greets_another(sentence: str, mine: set[str], language: str, greeting: str) -> bool:
    """True if "Hello X" or "X, ..." at the start names neither the customer nor a plain word."""
    hit = re.match(rf"[¡¿]?\s*(?:{greeting})\W+(?=(.))", folded(sentence))
    if hit:
        # folded() may change lengths (ß), so the word after the greeting is located by word count.
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
    """True if a word other than the first and the customer's name is capitalised."""
    tokens = re.findall(r"[^\W\d_]+(?:['’][^\W\d_]+)?", sentence)
    return any(
        t[0].isupper() and re.split(r"['’]", t)[0] not in mine | {"I"} and t not in mine
        for t in tokens[1:]
    )
