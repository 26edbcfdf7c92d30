"""First names for the greeting. What does not look like a name gives a greeting without one."""

from __future__ import annotations

import re
import unicodedata
from itertools import takewhile

from messages.form_words import GIVEN_NAMES

LONGEST_NAME = 20
_NAME = re.compile(r"[^\W\d_]+(?:[-'’ ][^\W\d_]+)*")
# Folded words. A value with one of these words is no first name: honorifics and forms of address,
# placeholders of forms, words of instructions, and words that would insult or frighten.
_HONORIFICS = """
    herr herrn frau mr mrs ms miss mister sir madam madame monsieur mademoiselle mlle mme dr prof
    doctor doktor professor senor senora senorita sr sra srta don dona lord lady fraulein hr
    hrn fr jr eheleute ehepaar"""
_PLACEHOLDERS = """
    firma company gmbh ag ltd inc llc sarl sas empresa societe entreprise kunde kundin customer
    client cliente clienta guest gast invite user usuario utilisateur nutzer benutzer unknown
    unbekannt inconnu inconnue desconocido desconocida anonymous anonym anonyme anonimo na nan null
    none nil nill nichts keine kein keiner empty leer vide vacio test tester testing demo sample
    example beispiel exemple ejemplo xxx xx yyy abc abcd asdf qwerty qwertz foo bar foobar name
    vorname nachname firstname lastname prenom nombre apellido surname admin administrator root
    system support service info shop kasse office buro bureau verwaltung buchhaltung account konto
    deleted geloscht supprime eliminado tbd todo neu new dummy undefined person jemand someone
    familie family familia famille team damen herren member mitglied membre miembro shopper valued
    missing order your you"""
_INSTRUCTIONS = """
    ignore disregard override prompt assistant human print say reply write instruction instructions
    previous above offer free hello hallo hola bonjour guten hi hey dear"""
_ABUSIVE = """
    arschloch arsch scheisse scheiss fotze hure nutte wichser schlampe idiot idiota depp trottel
    betrug betruger hitler nazi fuck fucker fucking fuckyou shit bitch asshole ass bastard cunt dick
    pussy slut whore nigger nigga faggot retard moron loser hacked hacker suspended blocked gesperrt
    scam scammer fraud spam spammer virus dead death tod tot putain pute connard connasse salope
    merde encule enculer nique batard puta puto mierda cabron gilipollas pendejo zorra marica
    estafa hackeado pirate arnaque satan kill killer die porn sex porno penis vagina bloqueado
    bloque"""
_NOT_A_NAME = frozenset(
    word
    for words in (_HONORIFICS, _PLACEHOLDERS, _INSTRUCTIONS, _ABUSIVE)
    for word in words.split()
)


def clean_name(value: object) -> str | None:
    """The first name in title case, or None if the value is not a name.

    A name is one or several words of Latin letters. The first word is kept, and those after it that
    are common given names ("José María"); anything else may be a surname.

    >>> clean_name("JULIA"), clean_name(" jean-luc "), clean_name("josé maría")
    ('Julia', 'Jean-Luc', 'José María')
    >>> clean_name("Ada K"), clean_name("Ada Lovelace")
    ('Ada', 'Ada')
    >>> clean_name("Herr"), clean_name("Firma"), clean_name("NA"), clean_name("xxx")
    (None, None, None, None)
    """
    if not isinstance(value, str):
        return None
    name = " ".join(unicodedata.normalize("NFC", value).split())
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        return None
    # Names in other alphabets are valid, but cannot be distinguished from homoglyphs.
    if not all(unicodedata.name(c, "").startswith("LATIN ") for c in name if c.isalpha()):
        return None
    if any(_is_refused(word) for word in re.split(r"[-'’ ]", name)) or _is_refused(name):
        return None
    first, *others = name.split(" ")
    if len(first) == 1:  # "O Brien": no first name is known
        return None
    kept = [first, *takewhile(lambda word: folded(word) in GIVEN_NAMES, others)]
    return " ".join(map(_title, kept))


def _is_refused(word: str) -> bool:
    plain = folded(re.sub(r"[-'’ ]", "", word))
    # "aaa", "xx", "zzzz" are placeholders whatever their letter.
    is_repeated = len(plain) > 1 and len(set(plain)) == 1
    return plain in _NOT_A_NAME or is_repeated


def _title(word: str) -> str:
    # "McKay" and "DeAndre" are kept; "JULIA" and "julia" become "Julia".
    if not word.isupper() and not word.islower():
        return word
    return re.sub(r"[^\W\d_]+", lambda hit: hit[0].capitalize(), word.lower())


def folded(text: str) -> str:
    """Convert to lower case and remove accents.

    >>> folded("Kündigung, ça, Straße")
    'kundigung, ca, strasse'
    """
    parts = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("ẞ", "ss"))
    return "".join(c for c in parts if not unicodedata.combining(c)).lower().replace("’", "'")
