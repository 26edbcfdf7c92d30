"""Options of sources: which values a message may show, and addresses that hold a password."""

from __future__ import annotations

import pytest

from pipelines.ingestion.source_checks import check_sources
from runtime.errors import SourceError, UsageError
from runtime.settings import load

OPTIONS = {
    "url": "jdbc:x:shop",
    "dbtable": "orders",
    "user": "reader",
    "password": "MARKER-1",
    "accessToken": "MARKER-1-AND-2",
    "fetchsize": "100",
}


def settings_with(options):
    orders = {"table": "customers", "format": "jdbc", "mapping": {"customer_id": "id"}}
    return load("demo", sources={"orders": {**orders, "options": options}})


@pytest.mark.spark_only  # file_checks imports errors that only pyspark has
@pytest.mark.parametrize(
    ("present", "shown"),
    [
        (["id", "fee"], ["_malformed"]),
        # Nobody knows what a column holds that no mapping uses.
        (["id", "fee", "buyer"], []),
    ],
)
def test_a_malformed_row_is_shown_only_if_all_its_columns_are_mapped(present, shown):
    from contracts.catalog import tables
    from pipelines.ingestion.file_checks import columns_behind

    mapping = {"customer_id": "id", "monthly_charge": "fee"}
    source = settings_with({}).sources["orders"].model_copy(update={"mapping": mapping})
    table = tables()["silver.customers"]
    assert columns_behind("malformed_row", table, source, present=present) == shown


@pytest.mark.spark_only  # table_sources imports delta
def test_values_of_options_are_hidden_in_errors():
    from pipelines.ingestion.table_sources import without_values

    hidden = settings_with(OPTIONS).sources["orders"].hidden_values
    assert hidden == ["reader", "MARKER-1", "MARKER-1-AND-2"]
    with pytest.raises(SourceError) as caught, without_values(hidden):
        raise SourceError("orders at jdbc:x:shop: no login of reader with MARKER-1-AND-2, MARKER-1")
    assert str(caught.value) == (
        "orders at jdbc:x:shop: no login of (hidden) with (hidden), (hidden)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:postgresql://db:5432/shop?user=a&password=MARKER",
        "jdbc:sqlserver://db;PWD = MARKER",
        "jdbc:mysql://reader:MARKER@db/shop",
        "jdbc:oracle:thin:reader/MARKER@//db:1521/shop",
        "jdbc:databricks://db:443;AuthMech=11;Auth_AccessToken=MARKER",
    ],
)
def test_an_address_with_a_password_is_refused(url):
    with pytest.raises(UsageError) as caught:
        check_sources(settings_with({"url": url}))
    assert "MARKER" not in str(caught.value)
    assert (
        ".options.url contains a password. Remove it, and set the environment variable "
        "HOLDFAST__SOURCES__ORDERS__OPTIONS__PASSWORD."
    ) in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "jdbc:postgresql://db:5432/shop?user=a&sslkey=/run/key.pem",
        "jdbc:oracle:thin:@//db:1521/shop",
        "jdbc:derby:memory:shop;create=true",
        "jdbc:mysql://reader@db/shop",
    ],
)
def test_an_address_without_one_is_accepted(url):
    check_sources(settings_with({"url": url}))
