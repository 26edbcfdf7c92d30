"""Answer predictions over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime import settings as settings_module
from runtime.cli import ConfDir, Env, application, reported, service_installed


def command(
    env: Env,
    host: Annotated[str | None, typer.Option(help="Address; default: service.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; default: service.port.")] = None,
    conf_dir: ConfDir = None,
) -> None:
    """Answer predictions over HTTP until SIGTERM or Ctrl-C (docs/service.md)."""
    with reported("serve"), service_installed("serve"):
        settings_module.use_conf_dir(conf_dir)
        given = {"host": host, "port": port}
        changes = {"service": {k: v for k, v in given.items() if v is not None}}
        settings = settings_module.load(env, **changes)
        # mlflow and fastapi take over 0.2 s to import.
        from service.server import serve

        serve(settings)


main = application(command)

if __name__ == "__main__":
    main()
