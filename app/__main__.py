"""`python -m app`: check the settings, then start Streamlit with them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import UsageError
from runtime.settings import Settings, load, use_conf_dir

MAIN = Path(__file__).with_name("main.py")


def streamlit_command(settings: Settings, conf_dir: str | None) -> list[str]:
    """The command line that starts the app for an environment."""
    if settings.lakehouse.catalog:
        raise UsageError(
            f"conf/{settings.env}.yaml names the catalog {settings.lakehouse.catalog!r}, and the app "
            "reads a lakehouse folder. Remove lakehouse.catalog, or use a BI tool on the catalog."
        )
    options = {
        "server.address": settings.app.address,
        "server.port": settings.app.port,
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "none",
        "theme.light.primaryColor": "#0072B2",
        "theme.dark.primaryColor": "#56B4E9",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    own = [settings.env, *([conf_dir] if conf_dir else [])]
    return [sys.executable, "-m", "streamlit", "run", str(MAIN), *flags, "--", *own]


def main(arguments: Sequence[str]) -> None:
    """Replace this process by Streamlit."""
    parser = argparse.ArgumentParser(prog="make app", description=__doc__)
    parser.add_argument("--env", default="demo", help="name of a file in conf/")
    parser.add_argument("--conf-dir", help="folder with the YAML files; default: the package's")
    given = parser.parse_args(arguments)
    try:
        use_conf_dir(given.conf_dir)
        settings = load(given.env)
        command = streamlit_command(settings, given.conf_dir)
    except UsageError as error:
        sys.exit(f"error: {error}")
    if settings.app.login == "none":
        sys.stderr.write("app: no log-in is set up: everyone on this machine is an editor\n")
    root = str(MAIN.parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


if __name__ == "__main__":
    main(sys.argv[1:])
