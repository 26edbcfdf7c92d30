"""A local S3 server (moto) in a process of its own. `bin/setup acceptance` installs it."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from runtime import file_systems
from tests.wiring import secret_values

PYTHON = Path(__file__).parents[1] / ".venv" / "moto" / "bin" / "python"
KEY_ID = "AKIAHOLDFASTTESTS001"


@dataclass(frozen=True)
class S3Server:
    """url: its address on loopback, which AWS_ENDPOINT_URL names while the server is in use."""

    url: str

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        self._request(f"/{name}", "PUT")

    def refuse_keys(self) -> None:
        """From now on no key is known."""
        self._request("/moto-api/reset-auth", "POST", b"0")

    def accept_keys(self) -> None:
        """From now on any key is accepted."""
        self._request("/moto-api/reset-auth", "POST", b"inf")

    def _request(self, path: str, method: str, data: bytes = b"") -> None:
        headers = {"Content-Type": "text/plain"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        urllib.request.urlopen(request, timeout=10).read()


@contextmanager
def s3_server(log: Path) -> Iterator[S3Server]:
    """The running server, with its address and keys in the environment."""
    if not PYTHON.exists():
        pytest.fail("there is no S3 server: run `bin/setup acceptance` (make acceptance does)")
    port = free_port()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [PYTHON, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    server = S3Server(f"http://127.0.0.1:{port}")
    try:
        wait_for(port, process)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment(server.url).items():
                patch.setenv(name, value)
            file_systems.forget()
            yield server
    finally:
        file_systems.forget()
        process.kill()
        process.wait()


def environment(url: str) -> dict[str, str]:
    """The variables of docs/platforms.md for a server on loopback."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": secret_values.AWS["AWS_SECRET_ACCESS_KEY"],
        # No machine of Amazon is asked for credentials.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the S3 server ended while it started"
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start within 30 seconds")
