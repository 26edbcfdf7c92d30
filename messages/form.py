"""Form checks of a pool text: what code can decide without a model.

A text that passes has one or two sentences of the letters of its language and plain punctuation, in
that language, without a digit, a sign, a link, a number, a date, a greeting or a name. Nothing that
an offer could consist of is left to the model: code adds it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from messages import form_words
from messages.brief import LANGUAGES
from messages.names import folded

SHORTEST, LONGEST = 20, 220
MOST_SENTENCES = 2
_PUNCTUATION = set(" .,!?;:'’–—-¡¿\u00a0\u202f")
_SENTENCE_END = re.compile(r"[.!?]+(?=\s|$)")
_WORD = re.compile(r"[^\W\d_]+")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

# In words, as they are sent back to the writer with the refused draft.
EXPLAINED = {
    "empty": "The text is empty.",
    "length": f"The text must have {SHORTEST} to {LONGEST} characters.",
    "sentences": "The text must have one or two complete sentences, each ended by . ! or ?",
    "characters": "The text has a digit, a sign, a line break or a letter of another alphabet. Use "
    "only letters of the language and plain punctuation.",
    "layout": "The text has a link, an abbreviation with dots, or a word that is spelled out.",
    "number": "The text has a number, a share or a currency in words. State no quantity.",
    "date": "The text names a day, a month or a date. Name no time.",
    "greeting": "The text begins with a greeting. The greeting is added before it.",
    "name": "The text has a name or a title of a person. Name nobody and no company.",
    "language": "The text is not in the language that was asked for.",
}


def faults(text: object, language: str) -> tuple[str, ...]:
    """Names of the checks that the text fails, in the order of EXPLAINED. Empty: it passes.

    >>> faults("Thank you for being with us, we are glad to have you here.", "en")
    ()
    >>> faults("Thank you for being with us, enjoy 20% off.", "en")
    ('characters',)
    """
    if not isinstance(text, str) or not text.strip():
        return ("empty",)
    checks = (_shape, _layout, _numbers, _names)
    names = {name for check in checks for name in check(text, language)}
    if not _is_in(language, text):
        names.add("language")
    return tuple(name for name in EXPLAINED if name in names)


def explained(names: tuple[str, ...]) -> str:
    """The failed checks as sentences for the writer."""
    return " ".join(EXPLAINED[name] for name in names)


def _shape(text: str, language: str) -> Iterator[str]:
    if not SHORTEST <= len(text) <= LONGEST:
        yield "length"
    if text != text.strip() or text != unicodedata.normalize("NFC", text):
        yield "characters"
    letters = form_words.LETTERS[language]
    allowed = {*_PUNCTUATION, *letters, *letters.upper()}
    if not all(("a" <= c.lower() <= "z" and c.isascii()) or c in allowed for c in text):
        yield "characters"
    ends = len(_SENTENCE_END.findall(text))
    if not 1 <= ends <= MOST_SENTENCES or not _SENTENCE_END.search(text[-3:]):
        yield "sentences"


def _layout(text: str, language: str) -> Iterator[str]:
    words = set(_WORD.findall(folded(text)))
    is_dotted = re.search(r"[^\W_][.:;!?][^\W_]", text)
    is_spelled_out = re.search(r"(?:\b[^\W\d_]\b[\s.,;:'’–—-]+){3,}", text)
    if is_dotted or is_spelled_out or words & form_words.LINKS or re.search(r"--|\.\.|,,", text):
        yield "layout"


def _numbers(text: str, language: str) -> Iterator[str]:
    # Joined at hyphens too, so that "twen-ty" does not pass as two words.
    plain = folded(text)
    words = {*_WORD.findall(plain), *_WORD.findall(re.sub(r"[-–—']", "", plain))}
    for other in LANGUAGES:
        # Words that are ordinary here ("once", "seize") count only in a text of their language.
        is_of_text = other == language or _is_in(other, text)
        known = form_words.NUMBERS[other] - (frozenset() if is_of_text else form_words.SHARED)
        if words & known:
            yield "number"
    if re.search(r"\bper cent\b|\bpour cent\b|\bpor ciento\b|\bvom hundert\b", plain):
        yield "number"
    if any(re.fullmatch(form_words.FORMED_NUMBERS[language], word) for word in words):
        yield "number"
    if words & form_words.DATES[language] or re.search(form_words.FIRST_DAYS[language], plain):
        yield "date"


def _names(text: str, language: str) -> Iterator[str]:
    plain = _WORD.findall(folded(text))
    if plain and plain[0] in form_words.GREETINGS:
        yield "greeting"
    if set(plain) & (form_words.TITLES | form_words.GIVEN_NAMES):
        yield "name"
    if language != "de" and _has_capital(text):
        yield "name"
    if any(len(word) > 1 and word.isupper() for word in _WORD.findall(text)):
        yield "name"


def _has_capital(text: str) -> bool:
    """True if a word other than the first of a sentence is capitalised ("I" may be)."""
    for sentence in re.split(r"(?<=[.!?])\s+|[¡¿]", text):
        tokens = _TOKEN.findall(sentence)
        if any(t[0].isupper() and re.split(r"['’]", t)[0] != "I" for t in tokens[1:]):
            return True
    return False


def _is_in(language: str, text: str) -> bool:
    """True if the text has at least two stop words of the language, and no more of any other.

    Ties pass: French and Spanish share short words. The judge names the language as well.
    """
    plain = folded(text)
    tokens = [*_WORD.findall(plain), *re.findall(r"\w+'\w+", plain)]
    hits = {
        name: sum(token in stops for token in tokens)
        for name, stops in form_words.STOP_WORDS.items()
    }
    others = max(count for name, count in hits.items() if name != language)
    return hits[language] >= 2 and hits[language] >= others
