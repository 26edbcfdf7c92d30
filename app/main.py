"""The script that Streamlit runs: log-in, date, navigation, one page."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.identity import User, user_of
from app.lake import Lake
from app.screens import budget, campaigns, customers, models, segments, today
from app.session import Session, dates_of
from app.text import say, title
from runtime.settings import Settings, load, use_conf_dir

PAGES: tuple[tuple[str, str, str, Callable[[Session], None]], ...] = (
    ("Today", "today", ":material/today:", today.show),
    ("Customers", "customers", ":material/group:", customers.show),
    ("Which 20 %", "budget", ":material/savings:", budget.show),
    ("Segments", "segments", ":material/donut_small:", segments.show),
    ("Campaigns", "campaigns", ":material/campaign:", campaigns.show),
    ("Models", "models", ":material/monitoring:", models.show),
)

# A file of ours: named icons of Streamlit would be fetched from another host.
ICON = Path(__file__).with_name("icon.svg")


@st.cache_resource(show_spinner=False)
def settings_of(env: str, conf_dir: str | None) -> Settings:
    """The settings of the environment, read once per process."""
    use_conf_dir(conf_dir)
    return load(env)


def main(env: str, conf_dir: str | None = None) -> None:
    """Show the page that the address names."""
    st.set_page_config(page_title="Holdfast", page_icon=ICON, layout="wide")
    settings = settings_of(env, conf_dir)
    user = current_user(settings)
    if user is None:
        ask_to_log_in(settings)
        return
    lake = Lake(Path(settings.root))
    dates = dates_of(lake)
    if not dates:
        title("There are no scores yet")
        say(
            f"The lakehouse {settings.root.name} has no rows in gold.customer_scores. Run "
            f"bin/holdfast run_pipeline --env {settings.env}, then load this page again."
        )
        return
    session = Session(settings, lake, dates[0], user)
    pages = [
        st.Page(page_of(show, session, dates), title=name, url_path=path, icon=icon)
        for name, path, icon, show in PAGES
    ]
    st.navigation(pages).run()


def page_of(
    show: Callable[[Session], None], session: Session, dates: list[dt.date]
) -> Callable[[], None]:
    """The page as a function without arguments, for the date chosen in the side bar."""

    def page() -> None:
        with st.sidebar:
            as_of = st.selectbox("Figures of", dates, format_func=session.form.date, key="as_of")
            st.caption(who(session))
        show(Session(session.settings, session.lake, as_of, session.user))

    page.__name__ = show.__module__.rpartition(".")[2]
    return page


def who(session: Session) -> str:
    """One sentence about the user's role."""
    if session.settings.app.login == "none":
        return "No log-in is set up: everyone on this machine is an editor."
    if session.user.is_editor:
        return f"Logged in as {session.user.name}, editor."
    return f"Logged in as {session.user.name}, viewer: personal data is hidden."


def current_user(settings: Settings) -> User | None:
    """The user of this request."""
    logged_in = None
    if settings.app.login == "oidc" and st.user.is_logged_in:
        logged_in = str(st.user.email)
    return user_of(settings.app, st.context.headers, logged_in)


def ask_to_log_in(settings: Settings) -> None:
    """The page for those who are not logged in."""
    title("Log in to see your customers")
    if settings.app.login == "oidc":
        st.button("Log in", on_click=st.login, type="primary")
    else:
        say(
            f"The request has no header {settings.app.user_header}. Open the app through the proxy "
            "that logs users in."
        )


if __name__ == "__main__":
    main(*sys.argv[1:3])
