"""Settings: where a value comes from, and what is refused with which words."""

from __future__ import annotations

import pytest
import yaml

from runtime import settings
from runtime.errors import UsageError


@pytest.fixture
def conf(tmp_path):
    """A function that writes conf/acme.yaml (and other files) and makes them the ones in use."""

    folder = tmp_path / "conf"

    def write(text="", **others):
        folder.mkdir(exist_ok=True)
        for name, content in {"acme": text, **others}.items():
            (folder / f"{name}.yaml").write_text(content)
        settings.use_conf_dir(str(folder))

    yield write
    settings.use_conf_dir(None)


def refused(env="acme"):
    with pytest.raises(UsageError) as caught:
        settings.load(env)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_variable_wins_over_the_environments_file_and_that_over_the_defaults(conf, monkeypatch):
    conf("churn: {lead_days: 14, primary_horizon_days: 60}\n")
    monkeypatch.setenv("HOLDFAST__CHURN__LEAD_DAYS", "7")
    churn = settings.load("acme").churn
    assert (churn.lead_days, churn.primary_horizon_days, churn.label_wait_days) == (7, 60, 7)


def test_a_leak_alarm_of_one_data_set_does_not_bind_others(conf):
    demo = settings.load("demo").training
    assert (demo.leak_alarm_roc_auc, demo.leak_alarm_roc_auc_active_90d) == (0.91, 0.895)
    conf()
    # Honest models of contracts reach .92 (mlc_churn).
    training = settings.load("acme").training
    assert min(training.leak_alarm_roc_auc, training.leak_alarm_roc_auc_active_90d) > 0.92


def test_every_unknown_key_is_refused_at_once(conf):
    conf(
        "horizon: 30\nchurn: {horizon_day: 30}\n"
        "sources: {orders: {tabel: transactions, table: transactions, format: csv, path: x, "
        "mapping: {}}}\n"
    )
    assert refused().splitlines() == [
        "conf/acme.yaml: sources.orders.tabel is not a setting. Did you mean "
        "sources.orders.table? Remove it, or fix its spelling.",
        "conf/acme.yaml: churn.horizon_day is not a setting. Did you mean churn.horizons_days? "
        "Remove it, or fix its spelling.",
        "conf/acme.yaml: horizon is not a setting. Remove it, or fix its spelling.",
    ]


def test_a_time_zone_and_a_currency_are_checked(conf):
    conf("currency: euro\nfeatures: {business_time_zone: Europe/Berlim}\n")
    assert refused().splitlines() == [
        "conf/acme.yaml: currency = 'euro': String should match pattern '^[A-Z]{3}$'.",
        "conf/acme.yaml: features.business_time_zone = 'Europe/Berlim': must be an IANA "
        "time zone, such as Europe/Berlin; did you mean Europe/Berlin?",
    ]
    conf("currency: EUR\nfeatures: {business_time_zone: Europe/Berlin}\n")
    loaded = settings.load("acme")
    assert (loaded.currency, loaded.features.business_time_zone) == ("EUR", "Europe/Berlin")
    conf()
    assert (settings.load("acme").currency, settings.load("acme").features.business_time_zone) == (
        None,
        "UTC",
    )


def test_an_unknown_key_in_a_variable_is_refused_too(conf, monkeypatch):
    conf()
    monkeypatch.setenv("HOLDFAST__CHURN__LEAD_DAY", "7")
    assert refused() == (
        "conf/acme.yaml: churn.lead_day is not a setting. Did you mean churn.lead_days? Remove it, "
        "or fix its spelling."
    )


@pytest.mark.parametrize(
    "text, message",
    [
        (
            "churn: {lead_days: -1}",
            "conf/acme.yaml: churn.lead_days = -1: Input should be greater than or equal to 0.",
        ),
        (
            "ingest: {max_quarantined_share: five}",
            "conf/acme.yaml: ingest.max_quarantined_share = 'five': Input should be a valid "
            "number, unable to parse string as a number.",
        ),
        (
            "as_of: 2018-02-30",
            "conf/acme.yaml, or a variable HOLDFAST__...: cannot be read: day is out of range for "
            "month. Fix it.",
        ),
        (
            "churn: {primary_horizon_days: 45}",
            "conf/acme.yaml: churn: primary_horizon_days 45 must be one of [1, 7, 30, 60, 90].",
        ),
        (
            "training: {starts: {xgboost: {max_depth: 2}}}",
            "conf/acme.yaml: training: starts.xgboost.max_depth = 2 must lie in its space, "
            "spaces.xgboost.max_depth; change one of them.",
        ),
        (
            "- a list",
            "conf/acme.yaml, or a variable HOLDFAST__...: cannot be read: it must hold lines of "
            "the form key: value. Fix it.",
        ),
        ("features: {windows_days: [30, 90]}", "no value below 1; missing: [60, 365]"),
        ("training: {dated_attributes: [plan, colour]}", "monthly_charge, got ['colour']"),
        ("risk: {scheme: two_bands}", "scheme 'two_bands' must be one of ['four_bands', 'rela"),
        (
            "training: {search: smal}",
            "conf/acme.yaml: training: search 'smal' must be one of full, none, small. "
            "Did you mean small?",
        ),
        (
            "training: {search: thorough}",
            "conf/acme.yaml: training: search 'thorough' must be one of full, none, small.",
        ),
        (
            "risk: {level_actions: [{level: SEVERE, action: Call}]}",
            "level_actions has unknown levels ['SEVERE']; schemes has CRITICAL, HIGH, MEDIUM, LOW",
        ),
        (
            "sources: {s: {table: transactions, format: csv, mapping: {}}}",
            "a source of format csv needs a path",
        ),
    ],
)
def test_a_value_that_breaks_a_rule_is_named_with_the_rule(conf, text, message):
    conf(text)
    assert message in refused()


def test_a_file_that_is_no_yaml_is_named_with_the_line(conf):
    conf("churn: {lead_days: 1\n")
    assert refused() == (
        "conf/acme.yaml, line 2, column 1: is not valid YAML: while parsing a flow mapping, "
        "expected ',' or '}', but got '<stream end>'. Fix it."
    )
    conf(defaults="\tchurn: 1\n")
    assert refused() == (
        "conf/defaults.yaml, line 1, column 1: is not valid YAML: while scanning for the next "
        "token, found character '\\t' that cannot start any token. Fix it."
    )
    conf("churn: \x07\n", defaults="")
    assert refused().startswith("conf/acme.yaml: is not valid YAML: unacceptable character #x0007")


def test_an_environment_without_a_file_is_refused_with_those_there_are(conf):
    conf(other="")
    message = "must be the name of a file in conf/; there are acme, other."
    assert refused("acne") == f"--env acne: {message} Did you mean acme?"
    assert refused("defaults") == f"--env defaults: {message}"
    assert refused("../acme") == f"--env ../acme: {message} Did you mean acme?"
    assert settings.environments("a") == ["acme"]


def test_a_folder_of_settings_that_is_not_there(tmp_path):
    with pytest.raises(UsageError) as caught:
        settings.use_conf_dir(str(tmp_path / "none"))
    assert str(caught.value) == (
        f"--conf-dir {tmp_path}/none: does not exist. It must be a folder with YAML files."
    )


# ---------------------------------------------------------------------- Spark profiles


def test_the_local_profile_keeps_partitions_few_and_the_cluster_profile_says_no_machine():
    """performance.md: Delta's snapshot state and the shuffles are most of a small job's time."""
    local = settings.load("demo", spark_profile="local").spark_profile_values()
    assert local["spark.databricks.delta.snapshotPartitions"] == "1"
    assert int(local["spark.sql.shuffle.partitions"]) <= 8
    assert "-XX:" in local["spark.driver.extraJavaOptions"]
    cluster = settings.load("demo", spark_profile="cluster").spark_profile_values()
    # They are what spark-submit or the platform says; fixed in a profile they would win over it.
    theirs = ("spark.master", "spark.driver.", "spark.executor.", "spark.ui.")
    assert [key for key in cluster if key.startswith(theirs)] == []
    assert cluster["spark.sql.adaptive.enabled"] == "true"


def test_a_profile_of_ones_own_stands_beside_the_settings(conf, tmp_path):
    folder = tmp_path / "conf" / "spark"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(yaml.safe_dump({"spark.a": "1"}))
    conf("spark_profile: mine\n")
    assert settings.load("acme").spark_profile_values() == {"spark.a": "1"}


def test_a_profile_that_is_no_yaml(conf, tmp_path):
    folder = tmp_path / "conf" / "spark"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("spark.a: [\n")
    conf("spark_profile: mine\n")
    assert refused().startswith("conf/spark/mine.yaml, line 2, column 1: is not valid YAML: ")


def test_a_profile_that_does_not_exist(conf):
    conf("spark_profile: lokal\n")
    assert refused() == (
        "spark_profile: 'lokal' must name a file in conf/spark/; there are cluster, connect, local, "
        "s3a, serverless. Did you mean local?"
    )


def test_profiles_are_joined_and_the_later_one_wins(conf, tmp_path):
    conf("spark_profile: local+mine+s3a\n")
    folder = tmp_path / "conf" / "spark"
    folder.mkdir()
    mine = {"spark.sql.shuffle.partitions": "7", "spark.hadoop.fs.s3a.retry.limit": "9"}
    (folder / "mine.yaml").write_text(yaml.safe_dump(mine))
    options = settings.load("acme").spark_profile_values()
    assert options["spark.master"] == "local[*]"
    assert options["spark.sql.shuffle.partitions"] == "7"
    assert options["spark.hadoop.fs.s3a.retry.limit"] == "2"


def test_an_unknown_part_of_a_profile_is_named(conf):
    conf("spark_profile: local+s4a\n")
    assert refused() == (
        "spark_profile: 's4a' must name a file in conf/spark/; there are cluster, connect, local, s3a, "
        "serverless. Did you mean s3a?"
    )


@pytest.mark.parametrize("name", ["../mine", "/etc/mine", "a" * 300])
def test_a_profile_is_a_name_and_no_path(conf, tmp_path, name):
    conf(f"spark_profile: {name}\n")
    (tmp_path / "spark").mkdir()
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"spark.a": "1"}))
    with pytest.raises(UsageError) as caught:
        settings.load("acme").spark_profile_values()
    assert str(caught.value) == (
        f"spark_profile: {name!r} must name a file in conf/spark/; there are cluster, connect, local, "
        "s3a, serverless."
    )


def test_a_variable_of_brackets_is_refused(conf, monkeypatch):
    conf()
    monkeypatch.setenv("HOLDFAST__ENGAGEMENT", "[" * 200_000)
    assert refused().startswith("conf/acme.yaml, or a variable HOLDFAST__...: cannot be read: ")


@pytest.mark.parametrize("env", ["../acme", "sub/acme", "a" * 300, "", ".", "acme.yaml"])
def test_an_environment_is_a_name_and_no_path(conf, tmp_path, env):
    conf()
    (tmp_path / "acme.yaml").write_text("")
    assert refused(env).startswith(f"--env {env[:80]}: must be the name of a file in conf/;")


def bomb():
    """Nine levels of nine aliases each: 9^9 values in a few hundred bytes."""
    lines = ["a0: &a0 [x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("engagement: " + "[" * 5_000 + "]" * 5_000, "it is nested deeper than 50 levels"),
        (bomb(), "it stands for more than 100,000 values"),
        ("# " + "x" * 1_000_000, "it has 1,000,002 bytes, and at most 1,000,000 are read"),
    ],
)
def test_a_yaml_file_has_a_bounded_size(conf, text, reason):
    conf(text)
    assert refused() == (
        f"conf/acme.yaml, or a variable HOLDFAST__...: cannot be read: {reason}. Fix it."
    )


def test_a_spark_profile_has_a_bounded_size(conf, tmp_path):
    conf("spark_profile: mine\n")
    folder = tmp_path / "conf" / "spark"
    folder.mkdir()
    (folder / "mine.yaml").write_text("a: " + "[" * 5_000 + "]" * 5_000)
    assert refused() == (
        "conf/spark/mine.yaml: cannot be read: it is nested deeper than 50 levels. Make it smaller."
    )


def test_an_alias_may_be_used_a_few_times(conf):
    conf("churn: &c {lead_days: 14}\n")
    assert settings.load("acme").churn.lead_days == 14


def test_options_of_a_source_are_never_printed(conf, monkeypatch):
    conf(
        "sources: {orders: {table: transactions, format: jdbc, mapping: {}, "
        "options: {user: reader}}}\n"
    )
    monkeypatch.setenv("HOLDFAST__SOURCES__ORDERS__OPTIONS__PASSWORD", "MARKER")
    loaded = settings.load("acme")
    assert loaded.sources["orders"].reader_options == {"user": "reader", "PASSWORD": "MARKER"} or (
        loaded.sources["orders"].reader_options == {"user": "reader", "password": "MARKER"}
    )
    assert "MARKER" not in repr(loaded)
    assert "MARKER" not in str(loaded.model_dump(mode="json"))


def test_a_wrong_option_of_a_source_is_not_printed_either(conf):
    conf(
        "sources: {orders: {table: transactions, format: jdbc, mapping: {}, "
        "options: {password: [MARKER]}}}\n"
    )
    message = refused()
    assert message.startswith("conf/acme.yaml: sources.orders.options.password = (hidden):")
    assert "MARKER" not in message
