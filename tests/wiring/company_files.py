"""The CSV files of a small made-up company, in the order in which they are delivered.

Windows of 30 days follow each other from 2 January 2024. In each window a customer either buys or
does not buy; the chance depends on the plan, on tickets and visits before, and on the offer.
All numbers come from one seed, so every build writes the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import os
import random
import re
from pathlib import Path

Row = dict[str, str]

GRID = [dt.date(2024, 1, 2) + dt.timedelta(days=30 * k) for k in range(10)]
# Three randomised campaigns (train, choose, test), then two plans. All are 30 days apart.
CAMPAIGN_1, CAMPAIGN_2, CAMPAIGN_3, PLAN_1, PLAN_2 = GRID[4:9]
# The last day with purchases counts as incomplete, so data are complete up to this day.
LAST_DAY = dt.date(2024, 10, 1)
EDGE_DAY, OPEN_DAY = dt.date(2024, 8, 15), dt.date(2024, 9, 2)
NEWSLETTER_DAY = PLAN_1 - dt.timedelta(days=10)

HISTORY_KNOWN = "2024-08-01T00:00:00"
# Known before the first plan, although the file is read after that plan was made.
LATE_PROFILES_KNOWN = "2024-07-29T20:00:00"
AUGUST_KNOWN = "2024-08-28T23:00:00"
SEPTEMBER_KNOWN = "2024-10-02T00:00:00"

REGULAR, EDGE = 220, 20
# New customers by the window before which they first buy. At least 30 on the two dates that
# train, so the cold-start rate is their own and not that of all customers.
NEW = {4: 16, 5: 16, 6: 12, 7: 8, 8: 8}


# A person whose id, names, address, phone and texts no other value contains. Every twentieth customer
# is one, so that some are sure to get an offer and a message.
MARKED_ID = "zorb770"
MARKED = {
    "first name": "Zorbinella",
    "surname": "Canaryova",
    "e-mail": "zorbmail.example",
    "phone": "+49 171 5550199",
    "free text": "Zorbstrasse 12",
}


def is_marked(customer_id: str) -> bool:
    return customer_id.startswith(MARKED_ID)


def customer(n: int) -> str:
    return f"{MARKED_ID if n % 20 == 15 else 'c'}{n:03d}"


def edge_customer(n: int) -> str:
    return f"e{n:02d}"


def number(customer_id: str) -> int:
    return int(re.sub(r"\D", "", customer_id)[-3:])


def is_basic(n: int) -> bool:
    """True: on the basic plan. Such customers leave more often, and discount_20 keeps them."""
    return n // 2 % 2 == 1


def is_north(n: int) -> bool:
    """True: in the north, where loyalty_bonus helps in two campaigns and harms in the third."""
    return n % 2 == 0


def classed(place: int, of: int = 20) -> set[str]:
    """Every `of`-th customer of the numbered ones, from `place` on."""
    return {customer(n) for n in range(REGULAR + sum(NEW.values())) if n % of == place}


# All of these classes but the last are on the basic plan, which gets most offers.
OPTED_OUT = classed(2)
OPTED_OUT_BY_SECOND_FILE = classed(3)
OPTED_IN_AGAIN = classed(6)
OPTED_OUT_AFTER_DECISION = classed(7)
OPTED_OUT_IN_AUGUST = classed(10)
OPTED_OUT_IN_SEPTEMBER = classed(14)
NEWSLETTER = classed(11) | classed(1)
WITHOUT_PROFILE = classed(0)
# Their profile does not say whether they opted out.
CONSENT_UNKNOWN = classed(38, of=40)
# Their discount_20 of the first plan is never booked, only that of a campaign before.
NOT_BOOKED = classed(18, of=40)
LEAVERS = classed(19)
# Who answered the survey by name in July, and in August.
ANSWERED_IN_JULY = [customer(n) for n in range(100, 120)]
ANSWERED_IN_AUGUST = [customer(n) for n in range(140, 220)]
# Receipts of July that arrive at the end of August.
LATE_RECEIPTS = [customer(n) for n in range(100, 112)]
EDGE_TREATED = [edge_customer(n) for n in range(EDGE // 2)]
EDGE_HELD_OUT = [edge_customer(n) for n in range(EDGE // 2, EDGE)]


class Company:
    """All rows of all files, drawn once."""

    def __init__(self, seed: int = 33) -> None:
        self.draw = random.Random(seed)
        self.receipts: list[Row] = []
        self.visits: list[Row] = []
        self.tickets: list[Row] = []
        self.contacts: list[Row] = []
        joins = [0] * REGULAR + [k for k, count in NEW.items() for _ in range(count)]
        offers = self._campaigns()
        for n, first in enumerate(joins):
            self._life(n, first, offers)
        for n in range(EDGE):
            self._edge_life(n)
        self._other_campaigns()
        self.late = [
            self._receipt(c, dt.date(2024, 7, 5 + n), 25) for n, c in enumerate(LATE_RECEIPTS)
        ]

    def _campaigns(self) -> dict[tuple[int, int], str]:
        """Randomised offers to the regular customers: (window, customer) -> offer, if any was sent.

        The third campaign gives more of loyalty_bonus, so a model that saw it would follow it.
        """
        sent: dict[tuple[int, int], str] = {}
        for window, shares in ((4, (0.5, 0.8)), (5, (0.5, 0.8)), (6, (0.5, 0.7))):
            for n in range(REGULAR):
                luck = self.draw.random()
                held, discount = shares
                offer = "" if luck < held else "discount_20" if luck < discount else "loyalty_bonus"
                self.contacts.append(
                    _contact(customer(n), f"trial-{window}", GRID[window], offer, True)
                )
                if offer:
                    sent[window, n] = offer
        return sent

    def _other_campaigns(self) -> None:
        """A newsletter to chosen customers, a trial whose outcome is known to the day, and one
        whose horizon ends a day too late."""
        for name in sorted(NEWSLETTER):
            self.contacts.append(
                _contact(name, "newsletter", NEWSLETTER_DAY, "feature_unlock", False)
            )
        for name, day in (("edge", EDGE_DAY), ("open", OPEN_DAY)):
            for c in EDGE_TREATED + EDGE_HELD_OUT:
                offer = "discount_10" if c in EDGE_TREATED else ""
                self.contacts.append(_contact(c, name, day, offer, True))

    def _life(self, n: int, first: int, offers: dict[tuple[int, int], str]) -> None:
        """The purchases, visits and tickets of one customer.

        A ticket in a window makes a purchase in the next one unlikely, and so does no visit.
        """
        c = customer(n)
        if first:
            self._receipt(c, GRID[first] - dt.timedelta(days=self.draw.randrange(1, 7)), 40)
        has_left, has_ticket, is_away = False, False, False
        for window in range(first, len(GRID)):
            risk = _risk(n, has_ticket, is_away, offers.get((window, n)), window)
            has_left |= self.draw.random() < 0.01 or (c in LEAVERS and window == 3)
            # Planted: on the test date of the first model all new customers leave.
            is_lost = has_left or first == window == 6 or self.draw.random() < risk
            has_ticket, is_away = self.draw.random() < 0.3, self.draw.random() < 0.3
            days = (LAST_DAY - GRID[window]).days + 1 if window == len(GRID) - 1 else 30

            def day(start: dt.date = GRID[window], days: int = days) -> dt.date:
                return start + dt.timedelta(days=self.draw.randrange(days))

            for _ in range(0 if is_lost else self.draw.randrange(1, 4)):
                self._receipt(c, day(), 30 if is_basic(n) else 50)
            for _ in range(0 if is_away else self.draw.randrange(1, 4)):
                self._visit(c, day())
            if has_ticket:
                self._ticket(c, day())

    def _edge_life(self, n: int) -> None:
        """Purchases until 10 August. Then one: of the treated on the last day of the trial's
        horizon of 30 days, of the held-out on the day after it."""
        c = edge_customer(n)
        day = GRID[0] + dt.timedelta(days=n)
        while day <= dt.date(2024, 8, 10):
            self._receipt(c, day, 40)
            day += dt.timedelta(days=12)
        last = EDGE_DAY + dt.timedelta(days=29 if c in EDGE_TREATED else 30)
        self._receipt(c, last, 40)["paid"] = ("9.00", "11.00")[n % 2]

    def _receipt(self, customer_id: str, day: dt.date, mean: int) -> Row:
        paid = f"{self.draw.uniform(0.5, 1.5) * mean:.2f}"
        row = {
            "customer": customer_id,
            "receipt": f"r{len(self.receipts)}",
            "article": f"a{self.draw.randrange(40)}",
            "time": f"{day} {self.draw.randrange(8, 20):02d}:00:00",
            "units": "1",
            "paid": paid,
            # Columns that no mapping uses, as an export of a shop has them.
            "buyer": _marked(customer_id, "first name", "surname"),
            "buyer_mail": _marked(customer_id, "e-mail"),
            "note": _marked(customer_id, "phone", "free text"),
        }
        self.receipts.append(row)
        return row

    def _visit(self, customer_id: str, day: dt.date) -> None:
        is_use = self.draw.random() < 0.5
        self.visits.append(
            {
                "customer": customer_id,
                "visit": f"v{len(self.visits)}",
                "kind": "feature_use" if is_use else "login",
                "time": f"{day} {self.draw.randrange(8, 20):02d}:30:00",
                "feature": self.draw.choice(["search", "export"]) if is_use else "",
                "minutes": f"{self.draw.randrange(1, 40)}",
            }
        )

    def _ticket(self, customer_id: str, day: dt.date) -> None:
        texts = [
            "Great help, thank you.",
            "This is too expensive.",
            "The export is broken, very bad.",
        ]
        self.tickets.append(
            {
                "customer": customer_id,
                "ticket": f"t{len(self.tickets)}",
                "opened": f"{day} 10:00:00",
                "category": self.draw.choice(["billing", "bug"]),
                "text": self.draw.choice(texts) + _marked(customer_id, *MARKED),
            }
        )


def _marked(customer_id: str, *facts: str) -> str:
    """The facts of a marked person in one text; empty for everyone else."""
    return "".join(f" {MARKED[fact]}" for fact in facts if is_marked(customer_id))


def _risk(n: int, has_ticket: bool, is_away: bool, offer: str | None, window: int) -> float:
    """The chance of no purchase in the window."""
    if offer == "discount_20" and is_basic(n):
        return 0.02
    risk = 0.02 + (0.75 if has_ticket else 0.5 if is_away else 0.0) + 0.1 * is_basic(n)
    if offer == "loyalty_bonus":
        return 0.02 if is_north(n) == (window < 6) else risk + 0.6
    return risk


def _contact(customer_id: str, campaign: str, day: dt.date, offer: str, is_random: bool) -> Row:
    return {
        "customer": customer_id,
        "campaign": campaign,
        "offer": offer,
        "time": f"{day} 09:00:00",
        "sent": str(bool(offer)).lower(),
        "random": str(is_random).lower(),
    }


def between(rows: list[Row], first: str, last: str, column: str = "time") -> list[Row]:
    """The rows of the days from `first` to `last`, in the order of their time."""
    chosen = [r for r in rows if first <= r[column][:10] <= last]
    return sorted(chosen, key=lambda r: r[column])


def write_history(company: Company, folder: Path) -> None:
    """Everything up to 31 July; the profiles in two files, of which the second has changes only."""
    late = {r["receipt"] for r in company.late}
    lines = [
        r for r in between(company.receipts, "2024-01-01", "2024-07-31") if r["receipt"] not in late
    ]
    # Two amounts that the mapping cannot read: a corrected mapping can read the first.
    bad = [
        {**lines[0], "receipt": "bad-1", "paid": "12,50", "customer": customer(1)},
        {**lines[0], "receipt": "bad-2", "paid": "free", "customer": customer(1)},
    ]
    # A line with a field too many, of a marked person.
    long = ",".join([*_line_of(lines, customer(15)).values(), "x"])
    write(folder / "receipts/1_history.csv", [*lines, *bad], "2024-08-01", last_line=long)
    people = sorted({r["customer"] for r in company.receipts} - WITHOUT_PROFILE)
    out = OPTED_OUT | OPTED_IN_AGAIN
    write(folder / "members/1_history.csv", [_profile(c, c in out) for c in people], "2024-07-30")
    changed = sorted((OPTED_OUT_BY_SECOND_FILE | OPTED_IN_AGAIN) & {*people})
    second = [_profile(c, c in OPTED_OUT_BY_SECOND_FILE) for c in changed]
    write(folder / "members/2_changes.csv", second, "2024-07-31")
    booked = _bookings(NOT_BOOKED, "trial-6", CAMPAIGN_3)
    write(folder / "bookings/1_history.csv", booked, "2024-08-01")
    answers = [_answer("2024-07-10", 8, customer_id=c) for c in ANSWERED_IN_JULY]
    write(folder / "answers/1_history.csv", answers, "2024-08-01")
    for name, rows, column in (
        ("visits", company.visits, "time"),
        ("tickets", company.tickets, "opened"),
        ("campaigns", company.contacts, "time"),
    ):
        days = ("2024-01-01", "2024-07-31", column)
        write(folder / name / "1_history.csv", between(rows, *days), "2024-08-01")


def _bookings(customers: set[str], campaign: str, day: dt.date) -> list[Row]:
    row = {"offer": "discount_20", "campaign": campaign, "time": f"{day}T09:00:00"}
    return [{"customer": c, **row} for c in sorted(customers)]


def write_late_profiles(folder: Path) -> None:
    """Opt-outs known before the first plan; the file is read after the plan and before its messages."""
    rows = [_profile(c, True) for c in sorted(OPTED_OUT_AFTER_DECISION)]
    write(folder / "members/3_late.csv", rows, "2024-08-02")


def write_answers(folder: Path, tokens: list[str]) -> None:
    """August: answers by token, with score 2, and by name, with score 9; and three bad ones.

    Bad are a signature that was changed, an answer after the last day, and a score above 10."""
    changed = tokens[0][:-1] + ("A" if tokens[0][-1] != "A" else "B")
    rows = [
        *[_answer("2024-08-05", 2, token=token) for token in tokens],
        *[_answer("2024-08-10", 9, customer_id=c) for c in ANSWERED_IN_AUGUST],
        _answer("2024-08-06", 3, token=changed),
        _answer("2024-08-25", 3, token=tokens[0]),
        _answer("2024-08-11", 11, customer_id=ANSWERED_IN_AUGUST[0]),
    ]
    write(folder / "answers/2_august.csv", rows, "2024-08-28")


def write_august(company: Company, folder: Path) -> None:
    """August; receipts of July that come late; three lines a second time and one contradicted."""
    late = sorted(company.late, key=lambda r: r["time"])
    known = between(company.receipts, "2024-01-01", "2024-01-31")
    again = [*known[:3], {**known[3], "paid": "1.23"}]
    august = between(company.receipts, "2024-08-01", "2024-08-28")
    write(folder / "receipts/2_august.csv", [*august, *late, *again], "2024-08-29")
    out = [_profile(c, True) for c in sorted(OPTED_OUT_IN_AUGUST)]
    write(folder / "members/4_august.csv", out, "2024-08-29")
    people = {r["customer"] for r in company.receipts} - NOT_BOOKED
    booked = _bookings(people, f"plan-{PLAN_1}", PLAN_1 + dt.timedelta(days=1))
    write(folder / "bookings/2_august.csv", booked, "2024-08-29")
    for name, rows, column in (
        ("visits", company.visits, "time"),
        ("tickets", company.tickets, "opened"),
        ("campaigns", company.contacts, "time"),
    ):
        month = between(rows, "2024-08-01", "2024-08-28", column)
        write(folder / name / "2_august.csv", month, "2024-08-29")


def write_september(company: Company, folder: Path) -> None:
    """From 29 August on; the opt-outs are known after the second plan."""
    out = [_profile(c, True) for c in sorted(OPTED_OUT_IN_SEPTEMBER)]
    write(folder / "members/5_september.csv", out, "2024-10-02")
    # Given before the second plan, known after it.
    late = [_answer("2024-08-20", 0, customer_id=c) for c in ANSWERED_IN_AUGUST]
    write(folder / "answers/3_september.csv", late, "2024-10-02")
    for name, rows in (("receipts", company.receipts), ("campaigns", company.contacts)):
        month = between(rows, "2024-08-29", LAST_DAY.isoformat())
        write(folder / name / "3_september.csv", month, "2024-10-02")


def _line_of(rows: list[Row], customer_id: str) -> Row:
    """A receipt of a customer, under another number."""
    return {**next(r for r in rows if r["customer"] == customer_id), "receipt": "bad-3"}


def _profile(customer_id: str, is_out: bool) -> Row:
    n = number(customer_id)
    place = MARKED["e-mail"] if is_marked(customer_id) else "mail.example"
    first_name = ("Ada", "Ben", "Clara", "David")[n % 4]
    return {
        "customer": customer_id,
        "first_name": MARKED["first name"] if is_marked(customer_id) else first_name,
        "surname": _marked(customer_id, "surname"),
        "email": f"{customer_id}@{place}",
        "phone": _marked(customer_id, "phone"),
        "language": ("en", "de", "fr")[n % 3],
        "opted_out": "" if customer_id in CONSENT_UNKNOWN else str(is_out).lower(),
        "region": "north" if is_north(n) else "south",
        "plan": "basic" if customer_id[0] != "e" and is_basic(n) else "plus",
    }


def _answer(day: str, score: int, *, customer_id: str = "", token: str = "") -> Row:
    return {
        "customer": customer_id,
        "token": token,
        "time": f"{day} 18:00:00",
        "rating": f"{score}",
        "comment": "As expected.",
    }


def write(path: Path, rows: list[Row], day: str, *, last_line: str = "") -> None:
    """A CSV that was last changed on a day: the time is part of a file's identity."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
        file.write(last_line)
    moment = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()
    os.utime(path, (moment, moment))
