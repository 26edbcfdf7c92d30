"""Windows equal a brute-force recount for every payment, in any order of arrival."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

from models.fraud.windows import STATE, late, states
from tests.unit.models.fraud.recount import DAY, HOUR, in_arrival, payment, recounted

# Few times and ids, so that many payments are equal in one or the other. Hours at which a window
# of an hour, a day, a week or 90 days begins or ends.
HOURS = st.sampled_from([0, 1, 1, 2, 24, 25, 26, 168, 169, 24 * 90, 24 * 90 + 1])
ODD = st.sampled_from([0, 0, 1, -1, 30_000_000])  # microseconds


@st.composite
def payments(draw):
    """Payments with distinct ids in the order of their arrival."""
    count = draw(st.integers(1, 25))
    numbers = draw(st.permutations(range(count)))
    few = st.sampled_from(["a", "b"])
    maybe = st.sampled_from(["a", "b", None])
    rows = []
    for n in numbers:
        place = draw(st.sampled_from([(52.5, 13.4), (-33.9, 151.2), (None, None)]))
        row = payment(
            n, customer_id=draw(few), merchant_id=draw(few), cents=draw(st.integers(0, 9))
        )
        row |= {"card_id": draw(maybe), "device_id": draw(maybe), "country": draw(maybe)}
        row |= {"latitude": place[0], "longitude": place[1]}
        row["paid_at"] += draw(HOURS) * HOUR + draw(ODD) - n * 60 * 10**6
        rows.append(row)
    return rows


@given(payments())
@settings(max_examples=300, deadline=None)
def test_states_equal_the_recount(rows):
    np.testing.assert_array_equal(states(in_arrival(rows)), recounted(rows))


@given(payments().filter(lambda rows: len(rows) > 1))
@settings(max_examples=50, deadline=None)
def test_a_later_arrival_never_changes_an_earlier_state(rows):
    np.testing.assert_array_equal(states(in_arrival(rows))[:-1], states(in_arrival(rows[:-1])))


def counts(rows, column="customer_count_1h"):
    return states(in_arrival(rows))[:, STATE.index(column)].tolist()


def test_the_example_of_the_docstring():
    assert counts([payment(n, minute=m) for n, m in enumerate((0, 40, 20, 50))]) == [1, 2, 2, 4]


def test_a_window_is_open_at_its_start():
    """60 minutes before is outside, a microsecond less is inside."""
    first, second = payment(0, minute=0), payment(1, minute=60)

    assert counts([first, second]) == [1, 1]
    assert counts([{**first, "paid_at": first["paid_at"] + 1}, second]) == [1, 2]


def test_equal_times_count_up_to_the_payment_id():
    rows = [payment(n, minute=0, payment_id=i) for n, i in enumerate(("b", "ba", "B", "a"))]

    assert counts(rows) == [1, 2, 1, 2]  # by code point: B, a, b, ba


def test_a_day_late_is_counted_and_more_is_not():
    """The third is a microsecond too late: it has no windows, and the fourth does not count it."""
    newest = payment(0, minute=0)
    edge = payment(1, paid_at=newest["paid_at"] - DAY)
    beyond = payment(2, paid_at=newest["paid_at"] - DAY - 1)
    rows = [newest, edge, beyond, payment(3, minute=1)]

    assert late(in_arrival(rows)).tolist() == [False, False, True, False]
    np.testing.assert_equal(counts(rows, "customer_count_7d"), [1, 1, np.nan, 3])


def test_no_payments():
    assert states(in_arrival([payment(0)]))[:0].shape == (0, len(STATE))
