"""Exports of orders as companies write them, each in a few lines. Times are UTC or have a zone."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from docs.examples.messy_export import Export, messy_export, write


def tab_separated(folder: Path) -> Path:
    """UTF-8 with a byte order mark, tabs, amounts such as $1,100.50, US dates up to 12/24/2024."""
    lines = ["Order ID\tCustomer ID\tSKU\tQty\tTotal\tOrder Date"]
    lines += [
        f"{n}\tC{n % 4}\tS{n % 3}\t1\t$1,{100 + n}.50\t12/{n + 1:02d}/2024" for n in range(24)
    ]
    return _written(folder / "tabs.txt", "\n".join(lines), "utf-8-sig")


def us_dates(folder: Path) -> Path:
    """Commas, and dates that may be read with the day or the month first: 01/02/2024."""
    lines = ["order_id,customer_id,amount,order_date"]
    lines += [f"{n},c{n % 4},{10 + n}.50,01/{n + 1:02d}/2024" for n in range(12)]
    return _written(folder / "us_dates.csv", "\n".join(lines))


def retail(folder: Path) -> Path:
    """No amount but price and quantity, quoted commas, short dates, orders C... are returns."""
    lines = ["InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID"]
    for n in range(20):
        # The last two lines return goods; the fourth has no customer.
        order, units = (f"C{n}", -2) if n >= 18 else (f"{n}", 2)
        customer = "" if n == 3 else 17850 + n % 5
        lines.append(f'{order},85123A,"WHITE, HOLDER",{units},12/{n + 1}/2010 8:26,2.55,{customer}')
    return _written(folder / "retail.csv", "\n".join(lines))


def french(folder: Path) -> Path:
    """UTF-8 without a mark, semicolons, CRLF, amounts such as 1 100,50, one order is Annulée."""
    lines = ["Commande n°;N° client;Date de commande;Qté;Montant (EUR);État"]
    for n in range(20):
        state = "Annulée" if n == 7 else "Payée"
        lines.append(f"F{n};{100 + n % 6};{n + 1:02d}/07/2024;1;1 {100 + n},50;{state}")
    return _written(folder / "french.csv", "\r\n".join(lines))


def with_zones(folder: Path) -> Path:
    """ISO times with a zone, customers by e-mail address, one order is voided."""
    lines = ["id,created_at,email,total_price,financial_status"]
    for n in range(10):
        state = "voided" if n == 4 else "paid"
        lines.append(
            f"{n},2024-03-{n + 1:02d}T00:30:00+02:00,k{n % 3}@example.org,{n + 1}.90,{state}"
        )
    return _written(folder / "zones.csv", "\n".join(lines))


def multiline(folder: Path) -> Path:
    """A quoted note of two lines in every row."""
    lines = ["order,customer,date,amount,note"]
    lines += [f'{n},c{n % 3},2024-01-{n + 1:02d},{n}.50,"first\nsecond"' for n in range(9)]
    return _written(folder / "notes.csv", "\n".join(lines))


def monthly(folder: Path) -> Path:
    """Three files in Windows-1252, of which only the last shows it."""
    inside = folder / "monthly"
    inside.mkdir()
    for month in (1, 2, 3):
        article = "camiseta niño" if month == 3 else "camisa"
        lines = ["Pedido;Cliente;Fecha;Producto;Importe"]
        lines += [f"P{month}{n};{n};{n + 10}/0{month}/2024;{article};{n},95" for n in range(1, 9)]
        _written(inside / f"ventas_{month}.csv", "\n".join(lines), "cp1252")
    return inside


def parquet(folder: Path) -> Path:
    """Typed columns; customers are doubles, since one is missing."""
    rows = {
        "order_id": range(6),
        "customer_id": [1.0, 2.0, None, 1.0, 2.0, 3.0],
        "purchased_at": pd.date_range("2024-01-01", periods=6).astype("datetime64[us]"),
        "amount": [1.5, 2.5, 3.5, 4.5, 5.5, 6.5],
    }
    file = folder / "orders.parquet"
    pd.DataFrame(rows).to_parquet(file)
    return file


def tiny(folder: Path) -> Path:
    """Three rows."""
    lines = "order;customer;date;amount\n1;a;2024-01-02;3,50\n2;b;2024-01-03;4,50\n3;a;2024-02-03;10,00\n"
    return _written(folder / "tiny.csv", lines)


def messy(folder: Path, customers: int = 60) -> tuple[Path, Export]:
    """The messy export of docs/examples, and how many lines of it are what."""
    export = messy_export(customers)
    file = folder / "Bestellungen 2024-2025.csv"
    write(export, file)
    return file, export


def damaged(folder: Path) -> Path:
    """The messy export with five bad lines and one that is delivered twice.

    A date and an amount that cannot be read, two lines with too few columns and one with an order
    and a line that exist already.
    """
    file, _ = messy(folder)
    lines = file.read_bytes().decode("cp1252").splitlines()
    line, other = [x.split(";") for x in lines if x[0] == "B" and x.endswith("bezahlt")][1:3]
    bad_date, bad_amount = [*line], [*line]
    bad_date[0], bad_date[11] = "B1", "33.01.2024"
    bad_amount[0], bad_amount[10] = "B2", "viel"
    other[10] = "0,01"
    added = [";".join(row) for row in (bad_date, bad_amount, other, line)]
    return _written(folder / "damaged.csv", "\r\n".join([*lines, *added, "B3;1", "B4;1"]), "cp1252")


def _written(file: Path, text: str, encoding: str = "utf-8") -> Path:
    file.write_bytes(text.encode(encoding))
    return file


# name -> (export, rows that are kept, rows that are left out)
EXPORTS = {
    "tabs": (tab_separated, 24, 0),
    "us_dates": (us_dates, 12, 0),
    "retail": (retail, 19, 1),
    "french": (french, 19, 1),
    "zones": (with_zones, 9, 1),
    "notes": (multiline, 9, 0),
    "monthly": (monthly, 24, 0),
    "parquet": (parquet, 5, 1),
    "tiny": (tiny, 3, 0),
}
