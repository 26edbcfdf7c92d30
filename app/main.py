"""The script that Streamlit runs: log-in, data, date, navigation, one page."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app.identity import User, user_of
from app.lake import Lake
from app.screens import budget, campaigns, customers, live, models, own_data, segments, today
from app.session import Session, dates_of
from app.text import literal, say, title
from app.uploads.folder import Upload, upload_of, uploads_of
from runtime.errors import UsageError
from runtime.settings import Settings, load, use_conf_dir

PAGES: tuple[tuple[str, str, str, Callable[[Session], None]], ...] = (
    ("Today", "today", ":material/today:", today.show),
    ("Customers", "customers", ":material/group:", customers.show),
    ("Which 20 %", "budget", ":material/savings:", budget.show),
    ("Segments", "segments", ":material/donut_small:", segments.show),
    ("Campaigns", "campaigns", ":material/campaign:", campaigns.show),
    ("Live", "live", ":material/sensors:", live.show),
    ("Models", "models", ":material/monitoring:", models.show),
)
OWN_DATA = ("Your own data", "own_data", ":material/upload_file:")

# Streamlit draws small texts with a contrast below 4.5 on both of its themes, and breaks dates in
# the tables of a phone into three lines.
STYLE = """<style>
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p,
[data-testid="stSidebarNav"] span, [data-testid="stFileUploaderDropzone"] span,
[data-testid="stSliderThumbValue"], [data-testid="stSliderThumbValue"] *,
[data-testid="stButtonGroup"] button,
[data-testid="stButtonGroup"] button p, [data-testid="stTable"] th,
[data-testid="stTable"] th p, [data-testid="stTable"] p
{ color: inherit !important; opacity: 1 !important; }
[data-testid="stCaptionContainer"] p { opacity: .85 !important; }
@media (max-width: 640px) { [data-testid="stTable"] td { min-width: 5.5rem; } }
</style>"""
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
    st.html(STYLE)
    settings = settings_of(env, conf_dir)
    user = current_user(settings)
    if user is None:
        ask_to_log_in(settings)
        return
    upload = chosen_upload(settings, user)
    pages = [
        st.Page(page_of(show, settings, user, upload=upload), title=name, url_path=path, icon=icon)
        for name, path, icon, show in PAGES
    ]
    name, path, icon = OWN_DATA
    pages.append(st.Page(own_page(settings, user, upload), title=name, url_path=path, icon=icon))
    st.navigation(pages).run()


def chosen_upload(settings: Settings, user: User) -> Upload | None:
    """The upload that the pages show. None: the lakehouse of the environment.

    Its id stands in the address, so that the address can be opened again.
    """
    wanted = st.query_params.get("data") or st.session_state.get("data", "")
    try:
        upload = upload_of(settings, wanted, user.name) if wanted else None
    except UsageError:
        upload = None
    st.session_state["data"] = upload.id if upload else ""
    if upload:
        st.query_params["data"] = upload.id
    elif "data" in st.query_params:
        del st.query_params["data"]
    return upload


def own_page(settings: Settings, user: User, upload: Upload | None) -> Callable[[], None]:
    """The page of uploads."""

    def page() -> None:
        with st.sidebar:
            choose_data(settings, user, upload)
            show_user(settings, user)
        own_data.show(settings, user, upload)

    page.__name__ = OWN_DATA[1]
    return page


def page_of(
    show: Callable[[Session], None], settings: Settings, user: User, *, upload: Upload | None
) -> Callable[[], None]:
    """The page as a function without arguments, for the date chosen in the side bar."""

    def page() -> None:
        shown = upload.settings if upload and upload.has_settings else settings
        lake = Lake(Path(shown.root))
        dates = dates_of(lake)
        with st.sidebar:
            choose_data(settings, user, upload)
            as_of = choose_date(shown, dates, user)
            show_user(settings, user)
        if as_of is None:
            no_scores(settings, upload)
        else:
            show(Session(shown, lake, as_of, user))

    page.__name__ = show.__module__.rpartition(".")[2]
    return page


def choose_data(settings: Settings, user: User, upload: Upload | None) -> None:
    """A select box for the environment and the user's uploads, if there are any."""
    try:
        uploads = uploads_of(settings, user.name) if user.is_editor else []
    except UsageError:
        return
    if not uploads:
        return
    titles = {"": settings.env, **{u.id: u.label for u in uploads}}
    present = upload.id if upload else ""
    picked = st.selectbox(
        "Data",
        [*titles],
        index=[*titles].index(present),
        format_func=lambda name: titles.get(name, name),
        key=f"data of {present} {len(titles)}",
    )
    if picked != present:
        own_data.open_upload(picked)


def choose_date(shown: Settings, dates: list[dt.date], user: User) -> dt.date | None:
    """The date whose figures are shown. None: there are no scores."""
    if not dates:
        return None
    form = Session(shown, Lake(Path(shown.root)), dates[0], user).form
    return st.selectbox("Figures of", dates, format_func=form.date, key=f"as_of {shown.root}")


def no_scores(settings: Settings, upload: Upload | None) -> None:
    """What to do in a lakehouse without scores."""
    title("There are no scores yet")
    if upload:
        say("The upload has not been scored. Go on with it on the page Your own data.")
        return
    say(
        f"The lakehouse {settings.root.name} has no rows in gold.customer_scores. Run "
        f"bin/holdfast run_pipeline --env {settings.env}, then load this page again. Or upload "
        "a file on the page Your own data."
    )


def show_user(settings: Settings, user: User) -> None:
    """The user's role, and a button to log out."""
    st.caption(literal(who(settings, user)))
    if settings.app.login == "oidc":
        st.button("Log out", on_click=st.logout)


def who(settings: Settings, user: User) -> str:
    """One sentence about the user's role."""
    if settings.app.login == "none":
        return "No log-in is set up: everyone on this machine is an editor."
    if user.is_editor:
        return f"Logged in as {user.name}, editor."
    return f"Logged in as {user.name}, viewer: personal data is hidden."


def current_user(settings: Settings) -> User | None:
    """The user of this request."""
    logged_in = None
    if settings.app.login == "oidc" and st.user.is_logged_in:
        # A provider may let anybody state an address; false: it was not verified.
        is_verified = st.user.get("email_verified") is not False
        logged_in = str(st.user.email) if is_verified else None
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
