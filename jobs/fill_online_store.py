"""Fill the online store with the features of the last closed day."""

from __future__ import annotations

from runtime import settings as settings_module
from runtime.cli import ConfDir, Env, application, reported, service_installed


def command(env: Env, conf_dir: ConfDir = None) -> None:
    """Copy the newest scored day of the feature tables to Redis. Spark is not needed."""
    with reported("fill_online_store"), service_installed("fill_online_store"):
        settings_module.use_conf_dir(conf_dir)
        settings = settings_module.load(env)
        # DuckDB and redis take over 0.2 s to import.
        from service.filling import fill

        print(fill(settings))


main = application(command)

if __name__ == "__main__":
    main()
