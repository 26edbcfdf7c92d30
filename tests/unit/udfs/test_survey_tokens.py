"""Tokens of survey links: made, verified, and refused with a reason; the docs verify them alike."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pandas as pd
import pytest

from contracts.rules import TOKEN_REASONS
from udfs.survey_tokens import ID_LENGTH, refusal, refusals_by, survey_token

KEY = b"0123456789abcdef0123456789abcdef"
CONTACT, LAST_DAY = "6f" * 16, dt.date(2026, 3, 1)
# printf '%s' "<contact>.20260301" | openssl dgst -sha256 -hmac "<key>" -binary | base64, URL-safe.
TOKEN = f"{CONTACT}.20260301.LiSW0h9mLxg4BG3BCFa5RExabN0DlRUrSF1z7oLI95A"
DAY_AFTER = LAST_DAY + dt.timedelta(days=1)
OTHER = survey_token(CONTACT, LAST_DAY, b"another key of thirty-two bytes!")

# (token, day of the answer, refusal)
ANSWERS = [
    (TOKEN, dt.date(2025, 12, 1), None),
    (TOKEN, LAST_DAY, None),
    (TOKEN, DAY_AFTER, "token_expired"),
    (OTHER, LAST_DAY, "token_forged"),
    # Another contact, and a later last day, under the old signature.
    (TOKEN.replace("6f", "7a", 1), LAST_DAY, "token_forged"),
    (TOKEN.replace("20260301", "20270301"), DAY_AFTER, "token_forged"),
    (TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B"), LAST_DAY, "token_forged"),
    (TOKEN[:-1], LAST_DAY, "token_garbled"),
    (TOKEN + "=", LAST_DAY, "token_garbled"),
    (TOKEN + "\n", LAST_DAY, "token_garbled"),
    (TOKEN.upper(), LAST_DAY, "token_garbled"),
    (TOKEN.replace("20260301", "２０２６０３０１"), LAST_DAY, "token_garbled"),
    ("", LAST_DAY, "token_garbled"),
]


def test_a_token_is_signed_as_openssl_signs_it():
    assert survey_token(CONTACT, LAST_DAY, KEY) == TOKEN
    assert TOKEN[:ID_LENGTH] == CONTACT
    assert re.fullmatch(r"[A-Za-z0-9._~-]+", TOKEN), "unreserved in URLs"


@pytest.mark.parametrize(("token", "day", "reason"), ANSWERS)
def test_a_token_is_refused_with_the_reason(token, day, reason):
    assert refusal(token, KEY, day) == reason
    assert reason is None or reason in TOKEN_REASONS


@pytest.mark.parametrize(("token", "day", "reason"), ANSWERS)
def test_the_documented_check_gives_the_same_reason(token, day, reason):
    page = (Path(__file__).parents[3] / "docs" / "survey.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names = {}
    exec(code, names)
    assert names["why_refused"](token, KEY.decode(), day) == reason


def test_a_row_without_a_token_is_not_refused_and_without_a_day_not_expired():
    tokens = pd.Series([None, " ", TOKEN, TOKEN, OTHER], index=[5, 6, 7, 8, 9])
    days = pd.Series([LAST_DAY, LAST_DAY, None, DAY_AFTER, None], index=tokens.index)
    refused = refusals_by(KEY)(tokens, days)
    assert refused.to_dict() == {
        5: None,
        6: None,
        7: None,
        8: "token_expired",
        9: "token_forged",
    }


def test_an_id_that_is_no_contact_id_is_refused():
    with pytest.raises(ValueError) as refused:
        survey_token("c17", LAST_DAY, KEY)
    assert str(refused.value) == (
        "contact_id: must be 32 hexadecimal digits, got 'c17'. Use the contact_id of gold.outbox."
    )
