"""Write an export of orders as shops deliver them: `python docs/examples/messy_export.py FILE`.

German headers, Windows-1252, semicolons, CRLF, 1.249,00, two forms of dates, returns as orders of
their own, cancelled orders, guests, and a line with the total. The shop is invented.
"""

from __future__ import annotations

import argparse
import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEADER = (
    *("Bestell-Nr.", "Pos.", "Kunden Nr.", "Name", "E-Mail", "Artikel", "Größe", "Menge"),
    *("Einzelpreis (EUR)", "Rabatt %", "Betrag (EUR)", "Bestelldatum", "Status"),
)
ARTICLES = {
    **{"Hemd weiß": 4990, "Hose blau": 7950, "Gürtel": 2495, "Mantel grün": 124900, "Socken": 690},
    **{"Mütze": 1990, "Schal rot": 2290, "Jacke": 15900, "T-Shirt": 1495, "Kleid schwarz": 8990},
}
FIRST_DAY = dt.date(2024, 1, 1)
DAYS = 730
# Of all orders. The kinds do not overlap.
CANCELLED, GUESTS, RETURNED = 0.01, 0.02, 0.04


@dataclass
class Export:
    """The lines of an export, and how many of them are what."""

    lines: list[tuple[str, ...]] = field(default_factory=list)
    cancelled: int = 0
    guests: int = 0
    returns: int = 0
    totals: int = 0

    @property
    def kept(self) -> int:
        """Lines of purchases and returns of known customers."""
        return len(self.lines) - self.cancelled - self.guests - self.totals


def messy_export(customers: int, seed: int = 1) -> Export:
    """The export of a shop with this many customers over two years."""
    draw = random.Random(seed)
    export, total = Export(), 0
    for number, (customer, moment) in enumerate(
        sorted(_orders(draw, customers), key=lambda o: o[1])
    ):
        kind = draw.random()
        is_cancelled, is_guest = kind < CANCELLED, CANCELLED <= kind < CANCELLED + GUESTS
        is_returned = CANCELLED + GUESTS <= kind < CANCELLED + GUESTS + RETURNED
        who = _customer(customer) if not is_guest else (draw.choice(("", "Gast")), "", "")
        status = "storniert" if is_cancelled else draw.choice(("bezahlt", "versandt"))
        for place in range(1, draw.choice((1, 1, 1, 2, 2, 3)) + 1):
            goods = _goods(draw)
            total += goods[4]
            written = f"{moment:%d.%m.%Y %H:%M}"
            export.lines.append(_line(f"B{100000 + number}", place, who, goods, (written, status)))
            export.cancelled += is_cancelled
            export.guests += is_guest
        if is_returned:
            back = moment.date() + dt.timedelta(days=draw.randint(3, 20))
            if back < FIRST_DAY + dt.timedelta(days=DAYS):
                gone = (goods[0], -goods[1], goods[2], goods[3], -goods[4])
                written = (f"{back:%d.%m.%Y}", "retourniert")
                export.lines.append(_line(f"R{100000 + number}", 1, who, gone, written))
                export.returns += 1
                total -= goods[4]
    export.lines.append(("Summe", *[""] * 9, _money(total), "", ""))
    export.totals = 1
    return export


def _orders(draw: random.Random, customers: int) -> Iterator[tuple[int, dt.datetime]]:
    """Customer and time of each order. Customers buy at a rate of their own until they leave."""
    start = dt.datetime.combine(FIRST_DAY, dt.time())
    for customer in range(customers):
        gap, stays = draw.gammavariate(2, 30) + 7, draw.expovariate(1 / 300) + 20
        day = joined = draw.uniform(0, DAYS * 0.8)
        while day < min(DAYS, joined + stays):
            yield customer, start + dt.timedelta(days=int(day), minutes=draw.randint(420, 1320))
            day += draw.expovariate(1 / gap)


def _customer(number: int) -> tuple[str, str, str]:
    first, last = (
        ("Anna", "Jörg", "Käthe", "Max")[number % 4],
        ("Huber", "Groß", "Weiß")[number % 3],
    )
    return f"{10000 + number}", f"{first} {last}", f"k{number}@example.org"


def _goods(draw: random.Random) -> tuple[str, int, int, int, int]:
    """Article, units, price in cents, discount in percent, amount in cents."""
    article = draw.choice([*ARTICLES])
    units, discount = draw.choice((1, 1, 1, 2)), draw.choice((0, 0, 0, 10, 20))
    price = ARTICLES[article]
    return article, units, price, discount, round(price * units * (100 - discount) / 100)


def _line(
    order: str,
    place: int,
    who: tuple[str, str, str],
    goods: tuple[str, int, int, int, int],
    written: tuple[str, str],
) -> tuple[str, ...]:
    article, units, price, discount, amount = goods
    size = ("S", "M", "L")[place % 3]
    return (
        *(order, str(place), *who, article, size, str(units), _money(price), str(discount)),
        *(_money(amount), *written),
    )


def _money(cents: int) -> str:
    """Cents as 1.249,00."""
    text = f"{cents / 100:,.2f}"
    return text.translate(str.maketrans(",.", ".,"))


def write(export: Export, file: Path) -> None:
    """Write the export as the shop's system does."""
    rows = [";".join(row) for row in (HEADER, *export.lines)]
    file.write_bytes("".join(f"{row}\r\n" for row in rows).encode("cp1252"))


def main() -> None:
    """Write the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--customers", type=int, default=600)
    given = parser.parse_args()
    export = messy_export(given.customers)
    write(export, given.file)
    print(f"{given.file}: {len(export.lines):,} lines")


if __name__ == "__main__":
    main()
