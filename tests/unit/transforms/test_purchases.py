"""Receipt lines as customer-days, and products by the day of their last purchase."""

from __future__ import annotations

import datetime as dt

from transforms.purchases import customer_days, lines_by_visibility, product_last_days


def line(customer, order, at, amount, **more):
    return {
        "customer_id": customer,
        "order_id": order,
        "purchased_at": at,
        "amount": amount,
        **more,
    }


def day(text):
    return dt.date.fromisoformat(text)


def test_a_line_has_its_day_its_cents_and_what_it_is(frame, tuples_of):
    rows = frame(
        "silver.transactions",
        [
            line("a", "1", "2018-01-01 23:59:59", "12.34", discount="0.01"),
            line(
                "b", "1", "2018-01-01 00:00", "0.00", discount=0
            ),  # an amount of zero is a purchase
            line("c", "1", "2018-01-01 09:00", "-12.34"),  # a return; its discount is unknown
            line(
                "d", "1", "2018-01-01 09:00", "1000000.00"
            ),  # the largest amount that silver allows
        ],
    )
    columns = ("customer_id", "day", "cents", "is_purchase", "has_discount")
    assert tuples_of(lines_by_visibility(rows), *columns) == [
        ("a", day("2018-01-01"), 1234, 1, 1),
        ("b", day("2018-01-01"), 0, 1, 0),
        ("c", day("2018-01-01"), -1234, 0, 0),
        ("d", day("2018-01-01"), 100_000_000, 1, 0),
    ]


DAYS = {
    # customer: lines (order, at, amount, known_at), then rows (day, visible_from, orders, cents,
    # purchase lines, return lines)
    "one order, two lines": (
        [("1", "01-01 10:00", 3, None), ("1", "01-01 10:00", 4, None)],
        [("01-01", "01-02", 1, 300 + 400, 2, 0)],
    ),
    "two orders of a day": (
        [("1", "01-01 10:00", 3, None), ("2", "01-01 20:00", 4, None)],
        [("01-01", "01-02", 2, 300 + 400, 2, 0)],
    ),
    "a line given twice counts twice": (
        [("1", "01-01 10:00", 3, None), ("1", "01-01 10:00", 3, None)],
        [("01-01", "01-02", 1, 300 + 300, 2, 0)],
    ),
    "an order over two days counts on the first": (
        [("1", "01-01 23:59", 3, None), ("1", "01-03 00:01", 4, None)],
        [("01-01", "01-02", 1, 300, 1, 0), ("01-03", "01-04", 0, 400, 1, 0)],
    ),
    "an order whose earlier line is known later counts where it was seen first": (
        [("1", "01-01 10:00", 3, "01-09 10:00"), ("1", "01-03 10:00", 4, None)],
        [("01-01", "01-10", 0, 300, 1, 0), ("01-03", "01-04", 1, 400, 1, 0)],
    ),
    "an order whose days are known at once counts on the earlier": (
        [("1", "01-03 10:00", 4, "01-09 10:00"), ("1", "01-01 10:00", 3, "01-09 10:00")],
        [("01-01", "01-10", 1, 300, 1, 0), ("01-03", "01-10", 0, 400, 1, 0)],
    ),
    "a return of its own is no order": (
        [("1", "01-01 10:00", -3, None)],
        [("01-01", "01-02", 0, -300, 0, 1)],
    ),
    "a return seen before the purchase of its order does not take its place": (
        [("1", "01-01 10:00", -3, None), ("1", "01-02 10:00", 5, None)],
        [("01-01", "01-02", 0, -300, 0, 1), ("01-02", "01-03", 1, 500, 1, 0)],
    ),
    "an exchange within an order is one order": (
        [("1", "01-01 10:00", -3, None), ("1", "01-01 10:00", 5, None)],
        [("01-01", "01-02", 1, 500 - 300, 1, 1)],
    ),
    "a line of no value is a purchase": (
        [("1", "01-01 10:00", 0, None)],
        [("01-01", "01-02", 1, 0, 1, 0)],
    ),
}


def test_an_order_counts_once_on_the_day_where_it_was_seen_first(frame, tuples_of):
    lines = [
        line(customer, order, f"2018-{at}", amount, known_at=known and f"2018-{known}")
        for customer, (given, _) in DAYS.items()
        for order, at, amount, known in given
    ]
    expected = [
        (customer, day(f"2018-{on}"), day(f"2018-{seen}"), *numbers)
        for customer, (_, rows) in DAYS.items()
        for on, seen, *numbers in rows
    ]
    days = customer_days(lines_by_visibility(frame("silver.transactions", lines)))
    names = ("customer_id", "day", "visible_from", "orders", "cents")
    assert tuples_of(days, *names, "purchase_lines", "return_lines") == sorted(expected)


def test_the_same_order_id_of_two_customers_is_two_orders(frame, tuples_of):
    lines = [line("a", "1", "2018-01-01 10:00", 3), line("b", "1", "2018-01-01 10:00", 3)]
    days = customer_days(lines_by_visibility(frame("silver.transactions", lines)))
    assert tuples_of(days, "customer_id", "orders") == [("a", 1), ("b", 1)]


PRODUCTS = {
    # customer: lines (product, at, amount, known_at), then spans (day, first and last as_of,
    # products); as_of dates are 01-10, 01-20 and 01-30
    "bought twice before the first date": (
        [("p", "01-01", 1, None), ("p", "01-05", 1, None)],
        [("01-05", "01-10", "01-30", 1)],
    ),
    "bought again between two dates": (
        [("p", "01-01", 1, None), ("p", "01-12", 1, None)],
        [("01-01", "01-10", "01-10", 1), ("01-12", "01-20", "01-30", 1)],
    ),
    "the day before an as_of is seen by it, its own day is not": (
        [("p", "01-09", 1, None), ("q", "01-10", 1, None)],
        [("01-09", "01-10", "01-30", 1), ("01-10", "01-20", "01-30", 1)],
    ),
    "two products of a day": (
        [("p", "01-01", 1, None), ("q", "01-01", 1, None)],
        [("01-01", "01-10", "01-30", 2)],
    ),
    "an older purchase that is known later changes nothing": (
        [("p", "01-05", 1, None), ("p", "01-01", 1, "01-15")],
        [("01-05", "01-10", "01-30", 1)],
    ),
    "a newer purchase that is known later counts from then on": (
        [("p", "01-01", 1, None), ("p", "01-05", 1, "01-20")],
        [("01-01", "01-10", "01-20", 1), ("01-05", "01-30", "01-30", 1)],
    ),
    "the third is known before the second": (
        [("p", "01-01", 1, None), ("p", "01-03", 1, "01-25"), ("p", "01-05", 1, "01-15")],
        [("01-01", "01-10", "01-10", 1), ("01-05", "01-20", "01-30", 1)],
    ),
    "a return is no purchase of it": ([("p", "01-01", -1, None)], []),
    "a line without a product has none": ([(None, "01-01", 1, None)], []),
    "after the last date": ([("p", "01-30", 1, None)], []),
}


def test_a_product_stands_on_the_day_of_its_last_purchase_as_each_as_of_knows_it(frame, tuples_of):
    lines = [
        line(
            customer,
            "1",
            f"2018-{at}",
            amount,
            product_id=product,
            known_at=known and f"2018-{known}",
        )
        for customer, (given, _) in PRODUCTS.items()
        for product, at, amount, known in given
    ]
    expected = [
        (customer, *[day(f"2018-{text}") for text in days], products)
        for customer, (_, spans) in PRODUCTS.items()
        for *days, products in spans
    ]
    dates = [day("2018-01-20"), day("2018-01-10"), day("2018-01-30")]
    spans = product_last_days(lines_by_visibility(frame("silver.transactions", lines)), dates)
    names = ("customer_id", "day", "first_as_of", "last_as_of", "products")
    assert tuples_of(spans, *names) == sorted(expected)


def test_nothing_bought_gives_no_rows(frame, tuples_of):
    lines = lines_by_visibility(frame("silver.transactions", []))
    assert tuples_of(lines) == []
    assert tuples_of(customer_days(lines)) == []
    assert tuples_of(product_last_days(lines, [day("2018-01-10")])) == []
