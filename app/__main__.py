"""`python -m app`: check the settings, then start Streamlit with them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from streamlit.web import bootstrap

from app import main as script
from app.data import risk
from app.data.first_list import first_list
from app.lake import Lake
from app.screens.today import FIRST
from app.session import dates_of
from app.uploads.folder import delete_old
from app.writing import now
from runtime.errors import UsageError
from runtime.settings import Settings, load, use_conf_dir


def streamlit_options(settings: Settings) -> dict[str, str | int | bool]:
    """Streamlit's options for an environment. UsageError if the app cannot read its lakehouse."""
    if settings.lakehouse.catalog:
        raise UsageError(
            f"conf/{settings.env}.yaml names the catalog {settings.lakehouse.catalog!r}, and the "
            "app reads a lakehouse folder. Remove lakehouse.catalog, or use a BI tool on the "
            "catalog."
        )
    return {
        "server_address": settings.app.address,
        "server_port": settings.app.port,
        "server_headless": True,
        "server_fileWatcherType": "none",
        "server_maxUploadSize": settings.app.uploads.most_mb,
        "browser_gatherUsageStats": False,
        "client_toolbarMode": "minimal",
        "client_showErrorDetails": "none",
        "theme_light_primaryColor": "#0072B2",
        "theme_dark_primaryColor": "#0072B2",
    }


def read_once(settings: Settings) -> None:
    """Read what Today shows, so that the first visit does not wait for libraries and files."""
    lake = Lake(Path(settings.root))
    for as_of in dates_of(lake)[:1]:
        first = first_list(lake, as_of, settings.plan.default_strategy)
        first.totals()
        first.customers(FIRST)
        risk.levels(first, risk.date_before(lake, as_of))


def main(arguments: Sequence[str]) -> None:
    """Serve the app until it is interrupted. The pages are imported before the first visit."""
    parser = argparse.ArgumentParser(prog="python -m app", description="Serve the app.")
    parser.add_argument("--env", default="demo", help="name of a file in conf/")
    parser.add_argument("--conf-dir", help="folder with the YAML files; default: the package's")
    given = parser.parse_args(arguments)
    try:
        use_conf_dir(given.conf_dir)
        settings = load(given.env)
        options = streamlit_options(settings)
    except UsageError as error:
        sys.exit(f"error: {error}")
    if settings.app.login == "none":
        sys.stderr.write("app: no log-in is set up: everyone on this machine is an editor\n")
    if not (settings.root.is_remote and settings.app.uploads.folder is None):
        delete_old(settings, now())
    read_once(settings)
    bootstrap.load_config_options(options)
    own = [given.env, *([given.conf_dir] if given.conf_dir else [])]
    bootstrap.run(script.__file__, False, own, options)


if __name__ == "__main__":
    main(sys.argv[1:])
