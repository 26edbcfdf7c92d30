"""What each kind of Spark session gets: options, settings, and frames that are kept."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import pytest

from runtime.errors import UsageError
from runtime.lakehouse import connection
from runtime.lakehouse.connection import check_remote, is_serverless, session_options
from runtime.lakehouse.platform import (
    KeptFrames,
    Platform,
    passing_setting,
    platform_of,
    remove_folder,
    running_tasks,
    session_setting,
)

LOCAL = {"spark.master": "local[*]", "spark.sql.shuffle.partitions": "4"}
SERVERLESS = {"spark.holdfast.serverless": "true"}


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)


def conf(**values):
    """Settings whose Spark profile has these values; __ stands for a dot."""
    named = {key.replace("__", "."): value for key, value in values.items()}
    return SimpleNamespace(spark_profile_values=lambda: named)


def session(module):
    """A session whose class is in this module."""
    return type("SparkSession", (), {"__module__": module})()


@pytest.mark.parametrize(
    "module, values, kind",
    [
        ("pyspark.sql.session", LOCAL, Platform.CLASSIC),
        # A cluster with a JVM caches, whatever the profile says.
        ("pyspark.sql.session", SERVERLESS, Platform.CLASSIC),
        ("pyspark.sql.connect.session", LOCAL, Platform.CONNECT),
        ("pyspark.sql.connect.session", SERVERLESS, Platform.SERVERLESS),
    ],
)
def test_the_kind_of_a_session(module, values, kind):
    assert platform_of(session(module), values) is kind


@pytest.mark.parametrize("version, expected", [("client.4.9", True), ("17.3", False)])
def test_databricks_names_its_serverless_compute(monkeypatch, version, expected):
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", version)
    assert is_serverless(LOCAL) is expected


@pytest.mark.parametrize(
    "values, expected",
    [
        # Classic: all options.
        (LOCAL, {**LOCAL, "spark.sql.extensions": "delta"}),
        # spark.master would exclude spark.remote.
        (
            {**LOCAL, "spark.remote": "local[2]"},
            {
                "spark.sql.shuffle.partitions": "4",
                "spark.sql.extensions": "delta",
                "spark.remote": "local[2]",
            },
        ),
        (SERVERLESS, {}),
    ],
)
def test_the_options_of_a_new_session(values, expected):
    assert session_options(values, {**values, "spark.sql.extensions": "delta"}) == expected


def test_the_address_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("SPARK_REMOTE", "sc://b")
    assert session_options({"spark.master": "local[*]"}, {"spark.master": "local[*]"}) == {
        "spark.remote": "sc://b"
    }


def test_missing_packages_are_named_with_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(connection, "_has", lambda module: module not in ("grpc", "zstandard"))
    with pytest.raises(UsageError) as caught:
        check_remote(conf(spark__remote="local[2]"))
    assert str(caught.value) == (
        "spark.remote local[2]: Spark Connect needs the 2 packages grpcio, zstandard, which are "
        "not installed. Run `bin/setup connect` in a checkout, else "
        "`pip install 'holdfast[connect]'`."
    )
    check_remote(conf(spark__master="local[*]"))  # a classic session


@pytest.mark.parametrize("module, is_there", [("json", True), ("nowhere.rpc", False)])
def test_a_module_is_looked_for_without_importing_it(module, is_there):
    assert connection._has(module) is is_there


def test_a_server_that_does_not_answer_is_named_without_the_token(monkeypatch):
    monkeypatch.setattr(connection, "_has", lambda module: True)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but it does not listen
        port = taken.getsockname()[1]
        settings = conf(spark__remote=f"sc://127.0.0.1:{port}/;token=secret")
        with pytest.raises(UsageError) as caught:
            check_remote(settings)
        assert str(caught.value) == (
            f"spark.remote sc://127.0.0.1:{port}: no Spark Connect server answers: Connection "
            "refused. Start the server, or correct spark.remote in the Spark profile."
        )
        taken.listen()
        check_remote(settings)


class Conf(dict):
    """The settings of a session."""

    def set(self, key, value):
        self[key] = value

    def unset(self, key):
        del self[key]


@pytest.mark.parametrize("before", [{}, {"a": "1"}])
def test_a_setting_is_put_back_also_after_a_failure(before):
    spark = SimpleNamespace(conf=Conf(before))
    with pytest.raises(ValueError, match="inside"), session_setting(spark, "a", "2"):
        assert spark.conf == {"a": "2"}
        raise ValueError("inside")
    assert spark.conf == before


def test_a_passing_setting_never_puts_the_value_of_another_thread_back():
    spark = SimpleNamespace(conf=Conf(a="of another merge"))
    with passing_setting(spark, "a", "2"):
        assert spark.conf == {"a": "2"}
    assert spark.conf == {}


def test_a_setting_that_serverless_refuses_is_one_sentence():
    class Refusing(Conf):
        def set(self, key, value):
            raise RuntimeError("[CONFIG_NOT_AVAILABLE] Not available. SQLSTATE: 42K0I\nat org")

    with (
        pytest.raises(UsageError) as caught,
        session_setting(SimpleNamespace(conf=Refusing()), "spark.a", "true"),
    ):
        pass
    assert str(caught.value) == (
        "spark.a = true: this compute refuses the setting: [CONFIG_NOT_AVAILABLE] Not available. "
        "Use a cluster in place of serverless compute, or change conf so that the setting is not "
        "needed."
    )


class Frame:
    """Notes what is called on it."""

    def __init__(self):
        self.calls = []

    def persist(self, level):
        self.calls.append("persist")
        return self

    def unpersist(self):
        self.calls.append("unpersist")

    def localCheckpoint(self):
        self.calls.append("localCheckpoint")
        return self


class Tables:
    def store(self, frame):
        frame.calls.append("store")
        return frame

    def discard(self, frame):
        frame.calls.append("discard")


@pytest.mark.parametrize(
    "kind, calls",
    [
        (Platform.CLASSIC, ["persist", "unpersist"]),
        (Platform.CONNECT, ["localCheckpoint"]),
        (Platform.SERVERLESS, ["store", "discard"]),
    ],
)
def test_a_frame_is_kept_by_what_the_session_can_do(kind, calls):
    frame, frames = Frame(), KeptFrames(kind, Tables())
    assert frames.keep(frame) is frame
    frames.forget()
    frames.forget()  # nothing is freed twice
    assert frame.calls == calls


@pytest.mark.parametrize(
    "kind, call",
    [
        (Platform.CLASSIC, "localCheckpoint"),
        (Platform.CONNECT, "localCheckpoint"),
        (Platform.SERVERLESS, "store"),
    ],
)
def test_the_lineage_is_cut_by_what_the_session_can_do(kind, call):
    frame = Frame()
    KeptFrames(kind, Tables()).cut(frame)
    assert frame.calls == [call]


def test_a_client_of_connect_sees_no_stages():
    assert running_tasks(session("pyspark.sql.connect.session")) == ""


@pytest.mark.parametrize("start", ["", "file://"])
def test_a_local_folder_is_removed_with_its_files(tmp_path, start):
    folder = tmp_path / "temporary_1"
    (folder / "t").mkdir(parents=True)
    (folder / "t" / "part.parquet").write_bytes(b"x")
    for _ in range(2):  # also if it does not exist
        remove_folder(None, f"{start}{folder}")
        assert list(tmp_path.iterdir()) == []


def test_a_folder_of_another_file_system_is_not_taken_for_a_local_one(tmp_path):
    (tmp_path / "t").mkdir()
    remove_folder(None, f"s3a://bucket{tmp_path}/t")
    assert (tmp_path / "t").is_dir()
