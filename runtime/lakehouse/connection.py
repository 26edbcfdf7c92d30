"""How a Spark session is started: on Spark Connect, its server and the packages of its client."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runtime.errors import UsageError
from runtime.wording import plural, verb

if TYPE_CHECKING:
    from runtime.settings import Settings

# What pyspark's Connect client imports, and the package that has it.
CONNECT_MODULES = {
    "grpc": "grpcio",
    "grpc_status": "grpcio-status",
    "google.rpc": "googleapis-common-protos",
    "zstandard": "zstandard",
}
CONNECT_PORT, ANSWER_SECONDS = 15002, 10
SERVERLESS_KEY = "spark.holdfast.serverless"


def is_serverless(profile: Mapping[str, str]) -> bool:
    """Whether the profile or Databricks says so: a runtime called client.4.9 is serverless."""
    runtime = os.environ.get("DATABRICKS_RUNTIME_VERSION", "")
    return profile.get(SERVERLESS_KEY) == "true" or runtime.startswith("client.")


def remote_of(profile: Mapping[str, str]) -> str | None:
    """Address of the Connect server: spark.remote, else SPARK_REMOTE. None: a classic session.

    >>> remote_of({"spark.remote": "sc://spark.example:15002"})
    'sc://spark.example:15002'
    """
    return profile.get("spark.remote") or os.environ.get("SPARK_REMOTE")


def check_remote(settings: Settings) -> None:
    """UsageError if a Connect session needs packages that are missing, or no server answers."""
    remote = remote_of(settings.spark_profile_values())
    if remote is None:
        return
    lacking = sorted(package for name, package in CONNECT_MODULES.items() if not _has(name))
    if lacking:
        count = len(lacking)
        raise UsageError(
            f"spark.remote {_shown(remote)}: Spark Connect needs the {plural(count, 'package')} "
            f"{', '.join(lacking)}, which {verb(count, 'is', 'are')} not installed. Run "
            "`bin/setup connect` in a checkout, else `pip install 'holdfast[connect]'`."
        )
    if remote.startswith("sc://"):
        _check_answer(remote)


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its parent, such as google, is missing
        return False


def _shown(remote: str) -> str:
    """The address without what follows the host, which may be a token."""
    return remote.partition("/;")[0]


def _check_answer(remote: str) -> None:
    address = urlsplit(remote)
    host, port = address.hostname or "", address.port or CONNECT_PORT
    try:
        socket.create_connection((host, port), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise UsageError(
            f"spark.remote {_shown(remote)}: no Spark Connect server answers: "
            f"{error.strerror or error}. Start the server, or correct spark.remote in the Spark "
            "profile."
        ) from None


def session_options(profile: Mapping[str, str], options: Mapping[str, str]) -> dict[str, str]:
    """The options that a new session gets. options: those of the profile and of all sessions.

    Serverless compute refuses almost all options, so it gets none. spark.master and spark.remote
    exclude each other.
    """
    remote = remote_of(profile)
    if is_serverless(profile) and (remote is None or remote.startswith("sc://")):
        return {}
    if remote is None:
        return dict(options)
    return {**{k: v for k, v in options.items() if k != "spark.master"}, "spark.remote": remote}
