"""Section survey: the address needs a place for the token, and the key never stands in conf."""

from __future__ import annotations

import pytest

from runtime import settings
from runtime.errors import UsageError

SECRET = "f00dfacef00dfacef00dfacef00dface"


def refused(**survey):
    with pytest.raises(UsageError) as fault:
        settings.load(
            "demo", survey={"valid_days": 60, "key_variable": "KEY", "url": None, **survey}
        )
    return str(fault.value)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("https://forms.example/s", "must hold {token} once, and no space, quote, < or >"),
        ("https://forms.example/{token}{token}", "must hold {token} once, and no space, quote"),
        ("https://forms.example/s t={token}", "must hold {token} once, and no space, quote"),
        ("http://forms.example/{token}", "must be a https: address with {token} after the host"),
        ("https://{token}.example/s", "must be a https: address with {token} after the host"),
        ("https:///{token}", "must be a https: address with {token} after the host"),
    ],
)
def test_an_address_that_cannot_hold_the_token_is_refused(url, rule):
    said = refused(url=url)
    assert f"conf/demo.yaml: survey.url = {url!r}: {rule}" in said


@pytest.mark.parametrize("name", [SECRET, "key", "HOLDFAST__SURVEY__KEY", ""])
def test_a_key_in_place_of_its_variable_is_refused_and_not_shown(name):
    assert refused(key_variable=name) == (
        "conf/demo.yaml: survey: key_variable must be the name of an environment variable, such as "
        "HOLDFAST_SURVEY_KEY, and never the key itself; HOLDFAST__ starts a setting."
    )


def test_the_key_comes_from_the_variable_that_conf_names(monkeypatch):
    survey = settings.load("demo").survey.model_copy(update={"key_variable": "OUR_KEY"})
    assert survey.key() is None
    monkeypatch.setenv("OUR_KEY", SECRET)
    assert survey.key() == SECRET.encode()
    monkeypatch.setenv("OUR_KEY", SECRET[1:])
    with pytest.raises(UsageError) as fault:
        survey.key()
    assert str(fault.value) == (
        "OUR_KEY: must have at least 32 characters, got 31. Make a key with `openssl rand -hex 32`."
    )
