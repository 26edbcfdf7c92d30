"""A Kafka broker of this machine for tests: one process in KRaft mode, on loopback.

A topic is created by the first message that is sent to it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import uuid
from pathlib import Path

import pyspark

ROOT = Path(__file__).resolve().parents[1]
# `bin/setup acceptance` installs it.
JARS = ROOT / ".venv" / "kafka"
ANSWER_SECONDS = 60
PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={folder}/logs
auto.create.topics.enable=true
num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Broker:
    """The process and its folder. `stop` and `start` restart it with what it has stored."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.settings = folder / "server.properties"
        values = {"port": self.port, "controller": free_port(), "folder": folder}
        self.settings.write_text(PROPERTIES.format(**values))
        cluster = uuid.uuid4().hex[:22]
        self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.settings))
        self.process: subprocess.Popen | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.folder / "broker.log").open("a") as log:
            self.process = subprocess.Popen(
                [*self._command("-Xmx400m"), "kafka.Kafka", str(self.settings)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + ANSWER_SECONDS
        while not self._answers():
            assert self.process.poll() is None and time.monotonic() < end, "Kafka did not start"
            time.sleep(0.2)

    def stop(self) -> None:
        """End the process at once, as a failure does."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with socket.socket() as client:
            client.settimeout(0.5)
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def _command(self, *options: str) -> list[str]:
        home = (ROOT / ".venv" / "java_home").read_text().strip()
        # spark-submit, which resolved the JARs, leaves out what Spark brings itself.
        (scala,) = (Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar")
        return [f"{home}/bin/java", *options, "-cp", f"{JARS}/*:{scala}"]

    def _java(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self._command("-Xmx200m", "-XX:TieredStopAtLevel=1"), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ},
        )
        assert done.returncode == 0, done.stdout + done.stderr
