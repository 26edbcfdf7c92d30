"""Numbers, amounts and dates as the report and the app show them."""

from __future__ import annotations

import datetime as dt
import unicodedata
from dataclasses import dataclass

# Locale -> thousands sign, decimal sign, form of a date. "%-d" is unknown on Windows.
LOCALES = {
    "en": (",", ".", "{day} {month_name} {year}"),
    "de": (".", ",", "{day:02}.{month:02}.{year}"),
    "fr": ("\u202f", ",", "{day:02}/{month:02}/{year}"),
    "es": (".", ",", "{day:02}/{month:02}/{year}"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


@dataclass(frozen=True)
class LocaleFormat:
    """Formats in the signs of a locale. `currency` is the code of the purchases' currency.

    Unknown values are "-".
    """

    locale: str = "en"
    currency: str | None = None

    def fixed(self, number: float | None, digits: int = 3) -> str:
        """A number with exactly `digits` decimals, for columns in which values are compared.

        >>> LocaleFormat().fixed(1234.5, 2), LocaleFormat("de").fixed(1234.5, 2)
        ('1,234.50', '1.234,50')
        """
        if number is None:
            return "-"
        thousands, decimal, _ = LOCALES[self.locale]
        return f"{number:,.{digits}f}".translate({44: thousands, 46: decimal})

    def whole(self, number: float | None) -> str:
        """A count without decimals.

        >>> LocaleFormat().whole(1234), LocaleFormat().whole(None)
        ('1,234', '-')
        """
        return self.fixed(number, 0)

    def decimal(self, number: float | None, digits: int = 3) -> str:
        """A number with `digits` decimals; a whole number has none.

        >>> LocaleFormat().decimal(0.88149), LocaleFormat().decimal(45.0)
        ('0.881', '45')
        """
        return self.fixed(number, 0 if number is not None and number == round(number) else digits)

    def change(self, number: float | None, digits: int = 0) -> str:
        """A difference with its sign.

        >>> LocaleFormat().change(1234.0), LocaleFormat("de").change(-0.51, 1)
        ('+1,234', '-0,5')
        """
        text = self.fixed(number, digits)
        return f"+{text}" if number is not None and number > 0 else text

    def money(self, number: float | None) -> str:
        """An amount without its currency, for tables; cents are shown below 100 only.

        >>> LocaleFormat().money(1234.5), LocaleFormat("de").money(12.345)
        ('1,234', '12,35')
        """
        return self.fixed(number, 0 if number is not None and abs(number) >= 100 else 2)

    def cash(self, number: float | None) -> str:
        """An amount with its currency.

        >>> LocaleFormat("en", "EUR").cash(-1234.5), LocaleFormat("de", "CHF").cash(1234.5)
        ('-€1,234', '1.234 CHF')
        >>> LocaleFormat().cash(1234.5)
        '1,234'
        """
        text = self.money(number)
        if number is None or self.currency is None:
            return text
        if self.locale == "en" and self.currency in SYMBOLS:
            return f"{'-' if number < 0 else ''}{SYMBOLS[self.currency]}{text.lstrip('-')}"
        sign = SYMBOLS.get(self.currency, self.currency)
        return f"{sign} {text}" if self.locale == "en" else f"{text} {sign}"

    def percent(self, part: float | None, digits: int = 1) -> str:
        """A share between 0 and 1 as a percentage.

        >>> LocaleFormat().percent(0.1234), LocaleFormat("fr").percent(0.1234)
        ('12.3 %', '12,3 %')
        """
        return "-" if part is None else f"{self.fixed(100 * part, digits)} %"

    def date(self, day: dt.date | None) -> str:
        """A day.

        >>> day = dt.date(2018, 1, 2)
        >>> LocaleFormat().date(day), LocaleFormat("de").date(day), LocaleFormat("fr").date(day)
        ('2 Jan 2018', '02.01.2018', '02/01/2018')
        """
        if day is None:
            return "-"
        names = {"day": day.day, "month": day.month, "month_name": MONTHS[day.month - 1]}
        return LOCALES[self.locale][2].format(**names, year=f"{day.year:04}")

    def moment(self, time: dt.datetime | None) -> str:
        """A time in UTC, to the minute.

        >>> LocaleFormat("de").moment(dt.datetime(2018, 1, 2, 9, 5))
        '02.01.2018, 09:05 UTC'
        """
        return "-" if time is None else f"{self.date(time)}, {time:%H:%M} UTC"

    def count(self, number: float, singular: str, several: str | None = None) -> str:
        """A count with its noun; `several` is the plural form, by default with an s.

        >>> LocaleFormat().count(1, "customer"), LocaleFormat("de").count(1200, "customer")
        ('1 customer', '1.200 customers')
        """
        noun = singular if round(number) == 1 else several or f"{singular}s"
        return f"{self.whole(number)} {noun}"


def share(part: float | None, of: float | None) -> float | None:
    """part / of; None if either is missing or `of` is 0."""
    return None if part is None or not of else part / of


def listed(items: list[str]) -> str:
    """Items joined for a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def plain(text: object) -> str:
    """Text from the data without control characters, which a terminal would execute.

    >>> plain("a\x1b[31m")
    'a?[31m'
    """
    return "".join(
        c if c.isprintable() or unicodedata.category(c) == "Zs" else "?" for c in str(text)
    )
