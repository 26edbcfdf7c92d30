"""Who uses the app, and what they may see and change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runtime.settings.app import AppSettings

EDITOR, VIEWER = "editor", "viewer"
HIDDEN = "hidden"


@dataclass(frozen=True)
class User:
    """name: e-mail or name from the log-in; `local` without one. role: editor or viewer."""

    name: str
    role: str

    @property
    def is_editor(self) -> bool:
        return self.role == EDITOR

    def personal(self, value: str | None) -> str | None:
        """A value of a personal column as this user may see it; null stays null.

        >>> User("ann", "viewer").personal("ann@example.com"), User("ann", "editor").personal("a")
        ('hidden', 'a')
        """
        return value if value is None or self.is_editor else HIDDEN


def user_of(
    settings: AppSettings, headers: Mapping[str, str], logged_in: str | None
) -> User | None:
    """The user of a request; None: the user has to log in first.

    `headers`: those of the request, names in any case. `logged_in`: the e-mail of the OIDC log-in.
    Users who are not in `editors` are viewers.

    >>> from runtime.settings import load
    >>> changes = {"login": "header", "user_header": "X-User", "editors": ["ann"]}
    >>> settings = load("demo").app.model_copy(update=changes)
    >>> user_of(settings, {"x-user": "ann"}, None), user_of(settings, {}, None)
    (User(name='ann', role='editor'), None)
    """
    if settings.login == "none":
        return User("local", EDITOR)
    name = logged_in if settings.login == "oidc" else _header(headers, settings.user_header)
    if not name:
        return None
    return User(name, EDITOR if name in settings.editors else VIEWER)


def _header(headers: Mapping[str, str], name: str | None) -> str | None:
    return next((v for k, v in headers.items() if name and k.lower() == name.lower()), None)
