"""A Spark standalone cluster of loopback: a master, and two workers with one core each.

pip's pyspark has no sbin scripts; spark-class starts the same classes. The daemons run in a folder of
their own with an environment of their own, so that a worker cannot import the checkout.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[2]
WORKERS, CORES, WORKER_MEMORY = 2, 1, "2g"
# 4 GiB of heap in all: the driver, and one executor per worker.
MEMORY = {"driver": "2g", "executor": "1g"}
_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_SECONDS_TO_START = 60
Value = TypeVar("Value")


@dataclass(frozen=True)
class Standalone:
    """A running cluster. folder: logs of the daemons and of the executors."""

    url: str
    web: str
    folder: Path
    processes: list[subprocess.Popen[bytes]]

    def submit_command(
        self,
        program: Path,
        *arguments: str,
        package: Path,
        conf: Mapping[str, str] | None = None,
    ) -> list[str]:
        """spark-submit of a Python program. package: the .zip that `make package` builds."""
        settings = {
            # Spark waits until all cores that were asked for are there.
            "spark.cores.max": str(WORKERS * CORES),
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.ui.showConsoleProgress": "false",
            **(conf or {}),
        }
        return [
            str(spark_home() / "bin" / "spark-submit"),
            *("--master", self.url, "--py-files", str(package)),
            *("--driver-memory", MEMORY["driver"], "--executor-memory", MEMORY["executor"]),
            *(word for key, value in settings.items() for word in ("--conf", f"{key}={value}")),
            *(str(program), *arguments),
        ]

    def executors(self) -> dict[str, int]:
        """The process of each executor that runs, by the executor's id."""
        workers = {process.pid for process in self.processes[1:]}
        return {
            words[words.index("--executor-id") + 1]: pid
            for pid, parent, words in running_processes()
            if parent in workers and "--executor-id" in words
        }

    def stop(self) -> None:
        """End the daemons and the executors that they started."""
        for kind in (signal.SIGTERM, signal.SIGKILL):
            for process in self.processes:
                # Each daemon leads a group of its own, in which its executors are too.
                if process.poll() is None or kind is signal.SIGKILL:
                    _signal_group(process.pid, kind)
            for process in self.processes:
                _ended(process, seconds=10)


@contextmanager
def standalone(folder: Path, python: Path | None = None) -> Iterator[Standalone]:
    """Start a cluster, and stop it at the end, also after an error.

    python: the Python of the workers; None: the one of the driver.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = free_ports(2)
    cluster = Standalone(
        f"spark://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}", folder, []
    )
    try:
        _start(cluster, "master", python, [
            *(_MASTER, "--host", "127.0.0.1"),
            *("--port", str(ports[0]), "--webui-port", str(ports[1])),
        ])  # fmt: skip
        until(lambda: _state(cluster), "the master does not answer", folder / "master.log")
        for number in range(WORKERS):
            _start(cluster, f"worker{number}", python, [
                *(_WORKER, "--host", "127.0.0.1", "--webui-port", "0"),
                *("--cores", str(CORES), "--memory", WORKER_MEMORY),
                *("--work-dir", str(folder / f"work{number}"), cluster.url),
            ])  # fmt: skip
        until(
            lambda: (_state(cluster) or {}).get("aliveworkers") == WORKERS,
            "the workers do not register",
            folder / "worker0.log",
        )
        yield cluster
    finally:
        cluster.stop()


def _start(cluster: Standalone, name: str, python: Path | None, words: Sequence[str]) -> None:
    folder = cluster.folder / name
    folder.mkdir(exist_ok=True)
    with (cluster.folder / f"{name}.log").open("wb") as log:
        cluster.processes.append(
            subprocess.Popen(
                [str(spark_home() / "bin" / "spark-class"), *words],
                cwd=folder,
                env=environment(python, SPARK_DAEMON_MEMORY="256m"),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )


def environment(python: Path | None = None, **more: str) -> dict[str, str]:
    """Variables of a process that knows Java, Spark and one Python, and not the checkout."""
    ours = ("PYTHON", "PYSPARK_", "SPARK_", "HOLDFAST_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    java = (ROOT / ".venv" / "java_home").read_text().strip()
    chosen = str(python or sys.executable)
    return {
        **kept,
        "JAVA_HOME": java,
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": chosen,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        **more,
    }


def driver_environment(python: Path | None = None, **more: str) -> dict[str, str]:
    """The same for the driver, with the log settings of bin/with-env."""
    log = f'-Dlog4j2.configurationFile="{ROOT / "conf" / "log4j2.properties"}"'
    quick = " -XX:TieredStopAtLevel=1" if os.environ.get("HOLDFAST_JIT") == "quick" else ""
    given = {"SPARK_SUBMIT_OPTS": f"{log} -XX:ReservedCodeCacheSize=240m{quick}", **more}
    return environment(python, MLFLOW_DISABLE_TELEMETRY="true", **given)


def spark_home() -> Path:
    """The folder of pip's pyspark."""
    return Path(sysconfig.get_path("purelib")) / "pyspark"


def built_package(folder: Path) -> Path:
    """The .zip for --py-files, built from the checkout."""
    subprocess.run([ROOT / "bin" / "package", folder], check=True, stdout=subprocess.DEVNULL)
    (package,) = folder.glob("holdfast-*.zip")
    return package


def free_ports(count: int) -> list[int]:
    """Ports of loopback that no process uses."""
    sockets = [socket.socket() for _ in range(count)]
    for port in sockets:
        port.bind(("127.0.0.1", 0))
    numbers = [port.getsockname()[1] for port in sockets]
    for port in sockets:
        port.close()
    return numbers


def running_processes() -> Iterator[tuple[int, int, list[str]]]:
    """(id, id of the parent, command line) of each process of this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in brackets may contain spaces; the state and the parent follow it.
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except (OSError, ValueError):
            continue  # it has ended
        yield int(folder.name), parent, words


def answer(url: str) -> Any:
    """The JSON of a web page; None if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as page:
            return json.load(page)
    except (OSError, ValueError):
        return None


def until(
    asked: Callable[[], Value | None],
    fault: str,
    log: Path | None = None,
    *,
    seconds: float = _SECONDS_TO_START,
    pause: float = 0.2,
) -> Value:
    """Wait until the answer is true, and return it. RuntimeError after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := asked():
            return value
        time.sleep(pause)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:]) if log else ""
    raise RuntimeError(f"{fault} within {seconds:.0f} s\n{tail}")


def _state(cluster: Standalone) -> Any:
    return answer(f"{cluster.web}/json/")


def _signal_group(leader: int, kind: signal.Signals) -> None:
    try:
        os.killpg(leader, kind)
    except ProcessLookupError:
        return  # all of it has ended


def _ended(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
