"""Play the events of a simulated company to the source of a stream."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.cli import ConfDir, Env, RunOptions, application, parse_moment, started

Source = Annotated[
    str | None,
    typer.Option(help="Source with a section `stream`. Default: the only one in conf."),
]
ClockFactor = Annotated[float, typer.Option(help="Simulated seconds per second.")]
Hours = Annotated[float, typer.Option(help="Simulated hours to play.")]
Start = Annotated[
    str | None,
    typer.Option(help="First simulated moment (UTC). Default: the last day of the company."),
]
TickSeconds = Annotated[float, typer.Option(help="Send messages every so many seconds.")]


def command(
    env: Env,
    source: Source = None,
    clock_factor: ClockFactor = 60.0,
    hours: Hours = 24.0,
    start: Start = None,
    tick_seconds: TickSeconds = 1.0,
    conf_dir: ConfDir = None,
) -> None:
    """Write events to the files or the topic that stream_events reads, as their time comes."""
    with started("simulate_events", RunOptions(env, conf_dir=conf_dir)) as context:
        # pyspark takes over 0.2 s to import.
        from pipelines.simulation.live_events import LiveOptions, check_options, run

        moment = parse_moment(start, "--start")
        options = LiveOptions(source, clock_factor, hours, moment, tick_seconds)
        check_options(options)
        run(context, options)


main = application(command)

if __name__ == "__main__":
    main()
