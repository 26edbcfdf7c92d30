"""Read events from files or Kafka as they arrive: engagement now, and contacts when it falls."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, Env, RunOptions, application, started

Source = Annotated[
    str | None,
    typer.Option(help="Source with a section `stream`. Default: the only one in conf."),
]
AvailableNow = Annotated[
    bool, typer.Option("--available-now", help="Read what has arrived so far, then end.")
]


def command(
    env: Env,
    source: Source = None,
    available_now: AvailableNow = False,
    conf_dir: ConfDir = None,
) -> None:
    """Read events until stopped (Ctrl-C). It can be started again at any time."""
    with started("stream_events", RunOptions(env, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.streams.stream_run import StreamOptions, run

        run(context, StreamOptions(source, available_now))


main = application(command)

if __name__ == "__main__":
    main()
