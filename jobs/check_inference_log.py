"""Recompute the answers that the prediction service logged."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime import settings as settings_module
from runtime.cli import ConfDir, Env, application, parse_day, reported, service_installed


def command(
    env: Env,
    since: Annotated[
        str | None, typer.Option(help="First day of answers (YYYY-MM-DD); default: all.")
    ] = None,
    conf_dir: ConfDir = None,
) -> None:
    """Recompute logged answers from Delta as it was at their time. Spark is not needed."""
    with reported("check_inference_log"), service_installed("check_inference_log"):
        day = parse_day(since, "--since")
        settings_module.use_conf_dir(conf_dir)
        settings = settings_module.load(env)
        # deltalake and mlflow take over 0.2 s to import.
        from service.inference_checks import run

        print(run(settings, day))


main = application(command)

if __name__ == "__main__":
    main()
