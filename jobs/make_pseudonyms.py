"""Give each customer the pseudonym under which views for analysts show them."""

from __future__ import annotations

from runtime.cli import ConfDir, DryRun, Env, RunOptions, application, started
from runtime.erasure_options import check_pseudonym_key


def command(
    env: Env,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Give each customer the pseudonym under which views for analysts show them."""
    options = RunOptions(env, is_dry=dry_run, conf_dir=conf_dir, checks=(check_pseudonym_key,))
    with started("make_pseudonyms", options) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.erasure.pseudonyms import run

        run(context)


main = application(command)

if __name__ == "__main__":
    main()
