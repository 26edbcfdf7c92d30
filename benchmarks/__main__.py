"""python -m benchmarks [name ...]: run the benchmarks and write RESULTS.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import (
    explanations,
    lifetime,
    measure,
    merges,
    point_in_time,
    summary,
    survival,
    training,
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
}


def main() -> None:
    """Run those named, else all."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(f"benchmarks: {unknown} must be among {', '.join(BENCHMARKS)}.")
    sections = {"Machine": f"## Machine\n\n{measure.machine()}\n"}
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            print(name, flush=True)
            spark = benchmark_session()
            found = BENCHMARKS[name](spark, Path(folder))
            sections[found.title] = found.markdown()
            measure.write(sections)


if __name__ == "__main__":
    main()
