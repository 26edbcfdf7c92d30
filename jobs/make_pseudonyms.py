"""Give each customer the pseudonym under which views for analysts show them."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started
from runtime.settings import Settings


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Give each customer the pseudonym under which views for analysts show them."""

    def check_key(settings: Settings) -> None:
        settings.personal_data.pseudonym_key(settings.env)

    options = RunOptions(env, is_dry=dry_run, conf_dir=conf_dir, checks=(check_key,))
    with started("make_pseudonyms", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.erasure.pseudonyms import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
