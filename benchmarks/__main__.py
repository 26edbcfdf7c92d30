"""python -m benchmarks [name ...]: run the benchmarks and write RESULTS.md."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import (
    allocation,
    arguments,
    explanations,
    fraud_company,
    fraud_load,
    lifetime,
    measure,
    merges,
    messages,
    own_data,
    point_in_time,
    policy_year,
    service,
    small_files,
    stream_latency,
    summary,
    survival,
    training,
    uplift_scoring,
    uplift_told,
    uplift_truth,
)
from benchmarks.session import benchmark_session

BENCHMARKS = {
    "arguments": arguments.run,
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
    "uplift_truth": uplift_truth.run,
    "uplift_told": uplift_told.run,
    "policy_year": policy_year.run,
    "messages": messages.run,
    "small_files": small_files.run,
    "own_data": own_data.run,
    "stream_latency": stream_latency.run,
    "service": service.run,
    "service_flat": service.flat,
    "fraud": fraud_company.run,
    "fraud_load": fraud_load.run,
}

# An idle JVM would take memory and a share of the cores.
WITHOUT_SPARK = {"policy_year", "own_data", "service", "service_flat", "fraud", "fraud_load"}


def main() -> None:
    """Run the named benchmarks, or all of them. Several run in separate processes.

    So the memory of a benchmark does not include that of the others.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(BENCHMARKS))
    parser.add_argument("--data", help="folder to keep the generated rows for the next run")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        raise SystemExit(
            f"benchmarks: unknown names {', '.join(unknown)}. "
            f"Use one or more of {', '.join(BENCHMARKS)}."
        )
    names = asked.names or list(BENCHMARKS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(asked.data or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if len(names) == 1:
            return measured(names[0], folder)
        command = [sys.executable, "-m", "benchmarks", "--data", str(folder)]
        failed = [name for name in names if subprocess.run([*command, name]).returncode]
    if failed:
        raise SystemExit(f"benchmarks: {', '.join(failed)} failed. See the errors above.")
    return None


def measured(name: str, folder: Path) -> None:
    """Run one benchmark in this process and write its section."""
    print(name, flush=True)
    load = os.getloadavg()[0]
    began = time.perf_counter()
    session = None if name in WITHOUT_SPARK else benchmark_session()
    section = BENCHMARKS[name](session, folder)
    taken = time.perf_counter() - began
    print(f"   {name}: {taken:.0f} s in total", flush=True)
    section.how += f" The benchmark took {taken:.0f} s; load average before it: {load:.1f}."
    measure.write(section)


if __name__ == "__main__":
    main()
