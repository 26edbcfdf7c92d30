"""How the app starts: log-in, addresses, and no Spark."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from app.__main__ import streamlit_options
from app.identity import User, user_of
from runtime.errors import UsageError
from runtime.settings import load
from runtime.settings.app import AppSettings

LOCAL = {
    "address": "127.0.0.1",
    "port": 8501,
    "login": "none",
    "user_header": None,
    "editors": ["ann"],
    "uploads": load("demo").app.uploads,
}
HEADER = LOCAL | {"login": "header", "user_header": "X-User", "address": "0.0.0.0"}


def test_without_a_log_in_everyone_is_an_editor():
    assert user_of(AppSettings(**LOCAL), {}, None) == User("local", "editor")


@pytest.mark.parametrize(
    ("headers", "user"),
    [
        ({"x-USER": "ann"}, User("ann", "editor")),
        ({"X-User": "bob"}, User("bob", "viewer")),
        ({"X-User": ""}, None),
        ({"X-Other": "ann"}, None),
    ],
    ids=["in any case", "not an editor", "empty", "another header"],
)
def test_the_header_of_a_proxy(headers, user):
    assert user_of(AppSettings(**HEADER), headers, "ann") == user


def test_the_log_in_of_streamlit_ignores_headers():
    settings = AppSettings(**HEADER | {"login": "oidc"})

    assert user_of(settings, {"X-User": "ann"}, None) is None
    assert user_of(settings, {"X-User": "ann"}, "bob") == User("bob", "viewer")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_loopback_address_needs_no_log_in(address):
    assert AppSettings(**LOCAL | {"address": address}).is_loopback


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "app.example.com"])
def test_another_address_needs_a_log_in(address):
    with pytest.raises(ValidationError) as caught:
        AppSettings(**LOCAL | {"address": address})

    (error,) = caught.value.errors()
    assert error["msg"] == (
        f"Value error, has address {address} and login none: everyone who reaches it would be an "
        "editor. Set address to 127.0.0.1, or login to oidc or header"
    )


def test_a_header_log_in_names_the_header():
    with pytest.raises(ValidationError) as caught:
        AppSettings(**HEADER | {"user_header": None})

    (error,) = caught.value.errors()
    assert error["msg"] == (
        "Value error, must name user_header if login is header, such as X-Forwarded-Email"
    )


def test_the_app_listens_where_conf_says():
    options = streamlit_options(load("demo"))

    assert options["server_address"] == "127.0.0.1"
    assert options["browser_gatherUsageStats"] is False


def test_a_catalog_is_refused():
    settings = load("demo")
    lakehouse = settings.lakehouse.model_copy(update={"catalog": "main"})

    with pytest.raises(UsageError) as caught:
        streamlit_options(settings.model_copy(update={"lakehouse": lakehouse}))

    assert str(caught.value) == (
        "conf/demo.yaml names the catalog 'main', and the app reads a lakehouse folder. Remove "
        "lakehouse.catalog, or use a BI tool on the catalog."
    )


def test_the_app_loads_no_spark():
    code = "import app.__main__, sys; sys.exit(int(bool({'pyspark', 'sqlframe', 'mlflow'} & set(sys.modules))))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
