"""The ids of erase_customer, its keys and its packages, before Spark starts."""

from __future__ import annotations

import importlib.util

import pytest

from runtime import settings
from runtime.erasure_options import check_packages, customers_of
from runtime.errors import UsageError

SECRET = "f00dfacef00dfacef00dfacef00dface"


def test_ids_come_from_both_options_each_once(tmp_path):
    file = tmp_path / "ids.csv"
    file.write_bytes('\ufeffcustomer_id\r\nc2\r\n\r\n"c 3"\r\nc1\r\n'.encode())
    assert customers_of(["c1"], file) == ("c 3", "c1", "c2")
    assert customers_of(["b", "a", "b"], None) == ("a", "b")
    file.write_text("c9\ncustomer_id\n")  # only the first line is a header
    assert customers_of(None, file) == ("c9", "customer_id")


def test_no_id_a_blank_one_and_an_unreadable_file_are_refused(tmp_path):
    for given in ((None, None), ([], None)):
        with pytest.raises(UsageError) as fault:
            customers_of(*given)
        assert str(fault.value) == (
            "erase_customer: no customer is named. Give --customer ID, or --file with one id per "
            "line."
        )
    with pytest.raises(UsageError) as fault:
        customers_of([" "], None)
    assert str(fault.value) == "--customer: is blank. Give the id of a customer."
    file = tmp_path / "ids.csv"
    with pytest.raises(UsageError) as fault:
        customers_of(None, file)
    assert str(fault.value) == (
        f"--file {file}: cannot be read as UTF-8 text (FileNotFoundError). Give a file with one id "
        "per line."
    )


def test_a_missing_package_is_named_with_the_way_to_install_it(monkeypatch):
    conf = settings.load("demo")
    check_packages(conf)
    for package in ("deltalake", "redis"):
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, gone=package: name != gone or None
        )
        with pytest.raises(UsageError) as fault:
            check_packages(conf)
        assert str(fault.value) == (
            f"erase_customer: the package {package} is not installed. Run `bin/setup service` in a "
            "checkout, else `pip install 'holdfast[service]'`."
        )


def test_only_the_demo_has_a_key_without_the_variable(monkeypatch):
    keys = settings.load("demo").personal_data
    monkeypatch.delenv("HOLDFAST_ERASURE_KEY", raising=False)
    assert len(keys.erasure_key("demo")) >= 32
    with pytest.raises(UsageError) as fault:
        keys.erasure_key("acme")
    assert str(fault.value) == (
        "HOLDFAST_ERASURE_KEY: the environment variable with the key of the erasure list is not "
        "set. Make a key with `openssl rand -hex 32`, keep it in your secret store, and set the "
        "variable."
    )
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", SECRET)
    assert keys.erasure_key("acme") == keys.erasure_key("demo") == SECRET.encode()
    monkeypatch.setenv("HOLDFAST_ERASURE_KEY", SECRET[1:])
    with pytest.raises(UsageError) as fault:
        keys.erasure_key("acme")
    assert str(fault.value) == (
        "HOLDFAST_ERASURE_KEY: must have at least 32 characters, got 31. Make a key with "
        "`openssl rand -hex 32`."
    )


@pytest.mark.parametrize("name", [SECRET, "key", "HOLDFAST__PERSONAL_DATA", ""])
def test_a_key_in_place_of_its_variable_is_refused_and_not_shown(name):
    given = {"erasure_key_variable": name, "pseudonym_key_variable": "OUR_KEY"}
    with pytest.raises(UsageError) as fault:
        settings.load("demo", personal_data=given)
    assert str(fault.value) == (
        "conf/demo.yaml: personal_data: erasure_key_variable must be the name of an environment "
        "variable, such as HOLDFAST_ERASURE_KEY, and never the key itself; HOLDFAST__ starts a "
        "setting."
    )
