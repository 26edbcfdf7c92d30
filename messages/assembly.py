"""The message to a customer. Code alone adds all that is not the warm text.

greeting and first name
text of the pool, or the template
sentence of the offer, its last day, its code and link
the way to unsubscribe
"""

from __future__ import annotations

import datetime as dt

from messages.brief import Terms

LAST_DAY = "{last_day}"
# {} is the first name with what separates it, or empty.
_GREETINGS = {"en": "Hello{},", "de": "Guten Tag{}!", "fr": "Bonjour{},", "es": "Hola{}:"}
_UNTIL = {
    "en": "Valid until {}.",
    "de": "Gültig bis zum {}.",
    "fr": "Valable jusqu’au {}.",
    "es": "Válido hasta el {}.",
}
_CODE = {
    "en": "Your code: {}",
    "de": "Ihr Code: {}",
    "fr": "Votre code : {}",
    "es": "Su código: {}",
}
_UNSUBSCRIBE = {
    "en": "If you do not want such messages: {}",
    "de": "Wenn Sie solche Nachrichten nicht wünschen: {}",
    "fr": "Si vous ne souhaitez plus recevoir ces messages : {}",
    "es": "Si no desea recibir estos mensajes: {}",
}
_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
    "diciembre",
}
_DATES = {"en": "{} {} {}", "de": "{}. {} {}", "fr": "{} {} {}", "es": "{} de {} de {}"}


def assembled(
    language: str,
    first_name: str | None,
    text: str,
    *,
    terms: Terms,
    last_day: dt.date,
    unsubscribe: str | None = None,
) -> str:
    """The message, with an empty line between its parts.

    first_name: None greets without a name. unsubscribe: a link or address; None: no such line.
    """
    name = f" {first_name}" if first_name else ""
    lines = [_GREETINGS[language].format(name), text, offer_lines(language, terms, last_day)]
    if unsubscribe:
        address = unsubscribe.removeprefix("mailto:")
        lines.append(_UNSUBSCRIBE[language].format(address))
    return "\n\n".join(lines)


def offer_lines(language: str, terms: Terms, last_day: dt.date) -> str:
    """The sentence of the offer with its last day, then code and link, each on its line.

    >>> ten = Terms("10% off", "Enjoy 10% off.", code="TEN")
    >>> offer_lines("en", ten, dt.date(2026, 1, 15))
    'Enjoy 10% off. Valid until 15 January 2026.\\nYour code: TEN'
    """
    day = day_in_words(language, last_day)
    if LAST_DAY in terms.sentence:
        sentence = terms.sentence.replace(LAST_DAY, day)
    else:
        sentence = f"{terms.sentence} {_UNTIL[language].format(day)}"
    lines = [sentence]
    if terms.code:
        lines.append(_CODE[language].format(terms.code))
    if terms.link:
        lines.append(terms.link)
    return "\n".join(lines)


def day_in_words(language: str, day: dt.date) -> str:
    """The day as people of that language write it.

    >>> day_in_words("fr", dt.date(2026, 8, 1)), day_in_words("es", dt.date(2026, 8, 1))
    ('1er août 2026', '1 de agosto de 2026')
    """
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    month = _MONTHS[language].split(" ")[day.month - 1]
    return _DATES[language].format(number, month, day.year)
