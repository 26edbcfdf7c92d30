"""Which column holds what, the key, and the rows that are no purchases."""

from __future__ import annotations

import pandas as pd
import pytest

from models.guessing.orders import guess_orders

LINES = {
    "Order No": ["1", "1", "2", "3"],
    "Customer": ["a", "a", "b", "c"],
    "Date": ["2024-01-02", "2024-01-02", "2024-01-03", "2024-01-04"],
    "Amount": ["1.50", "2.50", "3.50", "4.50"],
}


def guess(**changes):
    """The guess for LINES with other or added columns."""
    return guess_orders(pd.DataFrame({**LINES, **changes}))


def columns(guessed):
    return {target: g.source for target, g in guessed.mapping.items()}


def test_the_columns_are_found_by_their_headers():
    assert columns(guess()) == {
        "customer_id": "Customer",
        "order_id": "Order No",
        "purchased_at": "Date",
        "amount": "Amount",
    }


# (headers of order, customer, date and amount)
HEADERS = [
    ("Bestell-Nr_", "Kunden_Nr_", "Bestelldatum", "Betrag__EUR_"),
    ("Auftragsnummer", "KundenID", "Datum", "Umsatz"),
    ("InvoiceNo", "CustomerID", "InvoiceDate", "TotalAmount"),
    ("order_id", "user_id", "created_at", "total_price"),
    ("N°_commande", "Client", "Date_de_commande", "Montant"),
    ("Pedido", "ID_cliente", "Fecha", "Importe"),
    ("basket_id", "household_id", "transaction_timestamp", "sales_value"),
]


@pytest.mark.parametrize("headers", HEADERS)
def test_headers_of_four_languages(headers):
    rows = pd.DataFrame(dict(zip(headers, LINES.values(), strict=True)))
    guessed = columns(guess_orders(rows))
    assert [guessed[t] for t in ("order_id", "customer_id", "purchased_at", "amount")] == [*headers]


def test_other_dates_and_amounts_are_not_those_of_the_purchase():
    days = ["2024-02-02"] * 4
    guessed = guess(
        **{"Delivery date": days, "Shipping cost": ["1.00"] * 4, "Tax amount": ["9.00"] * 4}
    )
    assert columns(guessed)["purchased_at"] == "Date"
    assert columns(guessed)["amount"] == "Amount"


def test_a_missing_column_is_named():
    guessed = guess_orders(pd.DataFrame(LINES).drop(columns="Customer"))
    assert guessed.missing == ("customer_id",)


def test_an_uncertain_column_is_a_doubt():
    rows = pd.DataFrame(LINES).drop(columns="Customer").assign(Email=["a@b.de"] * 4)
    (guessed,) = [g for t, g in guess_orders(rows).mapping.items() if t == "customer_id"]
    assert (guessed.confidence, guessed.samples) == (0.5, ("a@*.**",))
    assert guessed.doubts == (
        "Only guessed: does Email hold the customer_id?",
        "The customer is identified by personal data. A customer number is better.",
    )


# ---------------------------------------------------------------------- key


def test_a_key_is_unique_in_the_sample():
    assert guess(Pos=["1", "2", "1", "1"]).key == ("order_id", "line_number")
    assert guess(SKU=["x", "y", "x", "x"]).key == ("order_id", "product_id")
    one_line = pd.DataFrame(LINES).iloc[1:]
    assert guess_orders(one_line).key == ("order_id",)


def test_equal_articles_of_one_order_are_not_lost():
    guessed = guess(SKU=["x", "x", "x", "x"])
    assert guessed.key == ()
    assert guessed.doubts == (
        "No key: 2 lines of the sample have the same order_id and product_id as another, and a key "
        "would keep only one of them. Without a key, do not deliver a row twice.",
    )
    # With a line number they are told apart.
    assert guess(SKU=["x"] * 4, Pos=["1", "2", "1", "1"]).key == ("order_id", "line_number")


# ---------------------------------------------------------------------- amounts


def test_without_an_amount_it_is_price_times_quantity():
    rows = (
        pd.DataFrame(LINES)
        .rename(columns={"Amount": "Unit price"})
        .assign(Qty=["1", "2", "1", "1"])
    )
    amount = guess_orders(rows).mapping["amount"]
    assert amount.expression == ("cast(`Unit price` as decimal(18,2)) * cast(Qty as decimal(18,3))")
    assert amount.doubts == ("No column holds the amount of a line, so it is price x quantity.",)


def test_a_total_that_is_repeated_on_each_line_is_a_doubt():
    orders = [str(n // 2) for n in range(12)]
    rows = {"Order No": orders, "Customer": ["a"] * 12, "Date": ["2024-01-02"] * 12}
    rows["Order total"] = [f"{10 + int(n)}.50" for n in orders]
    assert guess_orders(pd.DataFrame(rows)).mapping["amount"].doubts == (
        "The amount is the same on all lines of an order: it may be the order's total, which would be "
        "counted once per line.",
    )


def test_an_amount_before_the_discount_is_a_doubt():
    guessed = guess(
        Price=["1.50", "2.50", "3.50", "4.50"], Qty=["1"] * 4, **{"Discount %": ["10"] * 4}
    )
    assert guessed.mapping["amount"].doubts == (
        "The amount is price x quantity before the discount. Is that what was paid?",
    )
    assert guessed.mapping["discount"].expression == (
        "greatest(0, cast(Price as decimal(18,2)) * cast(Qty as decimal(18,3)) * "
        "cast(`Discount %` as decimal(18,4)) / 100)"
    )


def test_a_discount_in_money_is_never_negative():
    assert guess(Discount=["-1.00", "-2.00", "0.00", "0.00"]).mapping["discount"].expression == (
        "greatest(0, -cast(Discount as decimal(18,4)))"
    )


@pytest.mark.parametrize(
    ("changes", "currency"),
    [
        ({}, None),
        ({"Amount": ["1.50 €"] * 4}, "EUR"),
        ({"Currency": ["USD"] * 4}, "USD"),
    ],
)
def test_the_currency_is_named_by_a_sign_or_a_column(changes, currency):
    assert guess(**changes).currency == currency


def test_other_currencies_are_a_doubt():
    guessed = guess(Currency=["EUR", "EUR", "EUR", "USD"], Pos=["1", "2", "1", "1"])
    assert (guessed.currency, guessed.currency_column) == ("EUR", "Currency")
    assert guessed.doubts == ("Rows have other currencies than EUR: 1 x USD.",)


# ---------------------------------------------------------------------- rows that are left out


def left_out(guessed):
    return [(out.reason, out.rows, out.condition) for out in guessed.left_out]


@pytest.mark.parametrize("word", ["storniert", "Cancelled", "annulée", "anulado", "VOID"])
def test_cancelled_orders_are_left_out(word):
    guessed = guess(Status=["paid", "paid", word, "paid"])
    assert left_out(guessed) == [("as cancelled", 1, f"coalesce(trim(Status), '') <> '{word}'")]


@pytest.mark.parametrize("word", ["Summe", "Grand Total", "somme", "Total general"])
def test_a_total_line_is_left_out(word):
    guessed = guess(**{"Order No": ["B1", "B1", "B2", word]})
    assert left_out(guessed) == [("as a total", 1, f"coalesce(trim(`Order No`), '') <> '{word}'")]


def test_guests_are_left_out():
    guessed = guess(Customer=["a", None, "Gast", "-"])
    assert left_out(guessed) == [
        ("without a customer", 3, "coalesce(trim(Customer), '') not in ('', 'Gast', '-')")
    ]


def test_customer_0_is_a_guest_unless_customers_are_counted():
    assert left_out(guess(Customer=["77", "77", "78", "0"])) == [
        ("without a customer", 1, "coalesce(trim(Customer), '') not in ('', '0')")
    ]
    assert left_out(guess(Customer=["1", "1", "2", "0"])) == []


def test_a_quote_in_a_status_stays_in_its_text():
    guessed = guess(Status=["paid", "paid", "paid", "cancelled (it's late)"])
    assert guessed.left_out == ()
    guessed = guess(Customer=["a", "b", "c", "unknown'"])
    assert left_out(guessed)[0][2] == "coalesce(trim(Customer), '') not in ('', 'unknown\\'')"


# ---------------------------------------------------------------------- returns


def test_returns_with_positive_amounts_are_made_negative():
    orders = ["B1", "B2", "B3", "R4"]
    guessed = guess(**{"Order No": orders})
    assert guessed.mapping["amount"].expression == (
        "case when `Order No` like 'R%' then -abs(cast(Amount as decimal(18,2))) else "
        "cast(Amount as decimal(18,2)) end"
    )
    assert guessed.notes == (
        "Returns: 1 line of the sample (orders that begin with R). Their amounts are made negative by "
        "the mapping.",
    )


def test_negative_amounts_stay_as_they_are():
    guessed = guess(Amount=["1.50", "2.50", "3.50", "-4.50"])
    assert guessed.mapping["amount"].expression == "Amount"
    assert guessed.notes == (
        "Returns: 1 line of the sample (negative amounts). Their amounts are negative in the file.",
    )


def test_a_kind_of_row_marks_returns():
    guessed = guess(Type=["sale", "sale", "sale", "refund"])
    assert "trim(Type) in ('refund')" in guessed.mapping["amount"].expression


# ---------------------------------------------------------------------- personal data


def test_personal_values_are_masked():
    guessed = guess(Name=["Anna Huber"] * 4, Phone=["+49 89 123"] * 4, Contact=["a@b.de"] * 4)
    assert guessed.unused == {
        "Name": ("A*** *****",),
        "Phone": ("+** ** ***",),
        "Contact": ("a@*.**",),
    }
    assert guessed.has_unused_personal
    # The name of an article is not personal.
    assert guess(**{"Product name": ["Hemd"] * 4}).mapping["product_id"].samples == ("Hemd",)


def test_numbers_that_pandas_made_doubles_are_whole_again():
    guessed = guess_orders(pd.DataFrame({**LINES, "Customer": [1.0, 1.0, None, 3.0]}))
    assert guessed.mapping["customer_id"].expression == "cast(Customer as bigint)"
    assert left_out(guessed) == [
        ("without a customer", 1, "coalesce(trim(cast(Customer as string)), '') <> ''")
    ]
