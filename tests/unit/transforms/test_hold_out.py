"""The control group: drawn once, with each stratum's share to within one customer, from ids only."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import Counter

import pytest

from transforms import hold_out as h

DAYS = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(3)]
CHOSEN = "customer_id string, stratum string"


def drawn_of(frame, rows_of, chosen, known=(), share=0.1, day=DAYS[0]):
    assigned = frame("gold.hold_out", list(known))
    return rows_of(h.newly_drawn(frame(CHOSEN, chosen), assigned, share, day=day))


def test_the_draw_by_hand(frame, rows_of):
    """Customers are ordered by SHA-256; the offset is the first three digits of the stratum's hash."""

    def digest(text):
        return hashlib.sha256(f"hold-out|{text}".encode()).hexdigest()

    start = int(digest("Loyal")[:3], 16) / 16**3
    queue = sorted((f"c{n}" for n in range(12)), key=digest)
    expected = {
        c: math.floor((n + 1) * 0.25 + start) > math.floor(n * 0.25 + start)
        for n, c in enumerate(queue)
    }
    drawn = drawn_of(frame, rows_of, [(c, "Loyal") for c in sorted(queue)], share=0.25)
    assert {r["customer_id"]: r["is_held_out"] for r in drawn} == expected
    assert sum(expected.values()) == 3
    assert {(r["stratum"], r["assigned_on"]) for r in drawn} == {("Loyal", DAYS[0])}


@pytest.mark.parametrize("share", [0.1, 0.07, 0.5])
def test_every_stratum_has_its_share_however_the_days_cut_it(frame, rows_of, share):
    sizes = {"Champions": 400, "Loyal": 97, "At Risk": 31, "Lost": 3}
    everyone = [(f"{name}{n}", name) for name, size in sizes.items() for n in range(size)]
    known = []
    for turn, day in enumerate(DAYS):
        # A third of each stratum is new; earlier customers are chosen again, some in another segment.
        chosen = [c for n, c in enumerate(everyone) if n % 3 <= turn]
        chosen = [(c, "Lost" if turn and c == "Loyal0" else s) for c, s in chosen]
        fresh = drawn_of(frame, rows_of, chosen, known, share, day)
        assert not {r["customer_id"] for r in fresh} & {r["customer_id"] for r in known}
        known += fresh
        held = Counter(r["stratum"] for r in known if r["is_held_out"])
        sizes_so_far = Counter(r["stratum"] for r in known)
        for name, size in sizes_so_far.items():
            assert abs(held[name] - share * size) < 1, (day, name)
    assert len(known) == sum(sizes.values())


def test_small_strata_are_held_out_as_often_as_large_ones(frame, rows_of):
    """About a tenth of 2,000 strata of one customer each: every stratum has an offset of its own."""
    drawn = drawn_of(frame, rows_of, [(f"c{n}", f"s{n}") for n in range(2_000)])
    share = sum(r["is_held_out"] for r in drawn) / 2_000
    assert abs(share - 0.1) < 4 * (0.09 / 2_000) ** 0.5


def test_who_is_known_is_not_drawn_again_and_order_does_not_matter(frame, rows_of):
    chosen = [(f"c{n}", "Loyal") for n in range(50)]
    first = drawn_of(frame, rows_of, chosen)
    assert drawn_of(frame, rows_of, chosen[::-1]) == first
    assert drawn_of(frame, rows_of, chosen, first, share=0.9, day=DAYS[1]) == []


def test_only_a_chosen_offer_is_withheld(frame, tuples_of):
    decisions = frame(
        "customer_id string, offer_id string, is_held_out boolean",
        [("a", "ten", False), ("b", "ten", False), ("c", None, False), ("d", "ten", False)],
    )
    drawn = frame(
        "customer_id string, is_held_out boolean", [("a", True), ("b", False), ("c", True)]
    )
    assert tuples_of(h.with_hold_out(decisions, drawn)) == [
        ("a", "ten", True),
        ("b", "ten", False),
        ("c", None, False),
        ("d", "ten", False),
    ]
