"""python -m benchmarks [name ...]: run the benchmarks and write RESULTS.md."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks import (
    allocation,
    explanations,
    lifetime,
    measure,
    merges,
    messages,
    point_in_time,
    summary,
    survival,
    training,
    uplift_scoring,
)
from benchmarks.session import benchmark_session

BENCHMARKS = {
    "summary": summary.run,
    "features": point_in_time.run,
    "curve": point_in_time.curve,
    "explanations": explanations.run,
    "merges": merges.run,
    "training": training.run,
    "survival": survival.run,
    "lifetimes": survival.predictions,
    "lifetime": lifetime.run,
    "lifetime_curve": lifetime.curve,
    "lifetime_predictions": lifetime.predictions,
    "allocation": allocation.run,
    "uplift_scoring": uplift_scoring.run,
    "messages": messages.run,
}


def main() -> None:
    """Run those named, else all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--data", help="folder that keeps generated rows for the next run")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"benchmarks: {unknown} must be among {', '.join(BENCHMARKS)}.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(chosen.data or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in chosen.names or BENCHMARKS:
            print(name, flush=True)
            began = time.perf_counter()
            found = BENCHMARKS[name](benchmark_session(), folder)
            print(f"   {name}: {time.perf_counter() - began:.0f} s in all", flush=True)
            measure.write(found)


if __name__ == "__main__":
    main()
