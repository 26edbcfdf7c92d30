"""The header of each kind of access, and when a token is replaced."""

from __future__ import annotations

import base64

import pytest

from pipelines.connectors.access import Access
from runtime.errors import SourceError
from runtime.settings.fetch import AccessSettings


@pytest.fixture(autouse=True)
def secret(monkeypatch):
    monkeypatch.setenv("CRM_SECRET", "s3cret\n")


def access(post=None, clock=lambda: 0.0, **settings):
    conf = AccessSettings(**{"secret_variable": "CRM_SECRET", **settings})
    return Access("crm", conf, post or (lambda url, form: {}), clock=clock)


@pytest.mark.parametrize(
    ("settings", "headers"),
    [
        ({"kind": "none"}, {}),
        ({"kind": "bearer"}, {"Authorization": "Bearer s3cret"}),
        ({"kind": "header", "header": "X-Key"}, {"X-Key": "s3cret"}),
        (
            {"kind": "basic", "user": "a@b.example/token"},
            {"Authorization": f"Basic {base64.b64encode(b'a@b.example/token:s3cret').decode()}"},
        ),
    ],
)
def test_the_header(settings, headers):
    assert access(**settings).headers() == headers


OAUTH = {"kind": "oauth2", "login_url": "https://login.example.com/token", "client_id": "app"}


def test_a_token_is_replaced_a_minute_before_it_expires():
    now, forms = [0.0], []

    def post(url, form):
        forms.append((url, dict(form)))
        return {"access_token": f"t{len(forms)}", "expires_in": 1800}

    tokens = access(post, lambda: now[0], **OAUTH, scope="read")
    seen = []
    for now[0] in (0.0, 1739.0, 1740.0):
        seen.append(tokens.headers()["Authorization"])
    assert seen == ["Bearer t1", "Bearer t1", "Bearer t2"]
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "s3cret"}
    assert forms == 2 * [(OAUTH["login_url"], {**form, "scope": "read"})]


def test_a_rotated_refresh_token_is_used_for_the_next_one(monkeypatch):
    monkeypatch.setenv("CRM_REFRESH", "r0")
    sent = []

    def post(url, form):
        sent.append(form["refresh_token"])
        return {"access_token": "t", "refresh_token": f"r{len(sent)}"}

    tokens = access(post, **OAUTH, refresh_token_variable="CRM_REFRESH")
    tokens.headers()
    tokens.drop_token()
    tokens.headers()
    assert sent == ["r0", "r1"]


def test_an_answer_without_a_token_is_named():
    with pytest.raises(SourceError) as caught:
        access(lambda url, form: {"error": "x"}, **OAUTH).headers()
    assert str(caught.value) == (
        "source crm: https://login.example.com/token answers without access_token, which OAuth 2 "
        "requires. Check sources.crm.fetch.access.login_url."
    )
