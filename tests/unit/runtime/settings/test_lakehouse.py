"""The lakehouse's place and names, and the MLflow stores that follow from it."""

from __future__ import annotations

import pytest

from runtime.errors import UsageError
from runtime.settings import load
from runtime.settings.lakehouse import registered_name, registry_uri, tracking_uri


@pytest.fixture(autouse=True)
def no_stores_of_this_shell(monkeypatch):
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"):
        monkeypatch.delenv(name, raising=False)


def refused(**settings):
    with pytest.raises(UsageError) as caught:
        load("demo", **settings)
    assert caught.value.exit_code == 2
    return str(caught.value)


STORE = {"tracking_uri": "http://mlflow:5000"}


@pytest.mark.parametrize(
    "root",
    [
        "s3a://bucket/lake",
        "abfss://c@account.dfs.core.windows.net/lake",
        "gs://bucket/lake",
        "hdfs://nn:8020/lake",
    ],
)
def test_a_uri_is_a_root(root):
    settings = load("demo", lakehouse={"root": f"{root}/"}, mlflow=STORE)
    assert str(settings.root) == root and settings.root.is_remote


@pytest.mark.parametrize(
    ("root", "question"),
    [
        ("s4a://bucket/lake", ". Did you mean s3a?"),
        ("dbfs:/lake", ". Did you mean hdfs?"),
        ("C:/lake", "."),
    ],
)
def test_a_root_of_an_unknown_scheme_is_refused(root, question):
    assert refused(lakehouse={"root": root}, mlflow=STORE) == (
        f"conf/demo.yaml: lakehouse.root = {root!r}: must be a folder, or a URI of the schemes "
        f"s3a, s3, abfss, abfs, gs, hdfs. Fix the scheme, or name a folder{question}"
    )


@pytest.mark.parametrize(
    ("root", "shown"),
    [
        ("s3a:///lake", "s3a:///lake"),
        ("s3a:/bucket/lake", "s3a:/bucket/lake"),
        ("s3a://user:word@bucket/lake", "s3a://(hidden)@bucket/lake"),
    ],
)
def test_a_root_without_a_bucket_or_with_a_password_is_refused(root, shown):
    assert refused(lakehouse={"root": root}, mlflow=STORE) == (
        f"conf/demo.yaml: lakehouse.root = {shown!r}: must name a bucket, container or host and no "
        "password, such as s3a://bucket/lakehouse."
    )


def test_a_root_in_an_object_store_needs_a_tracking_store(monkeypatch):
    assert refused(lakehouse={"root": "s3a://bucket/lake"}) == (
        "conf/demo.yaml: mlflow.tracking_uri = None: must be set, because s3a://bucket/lake is no "
        "folder that can hold MLflow's SQLite file. Set it to an MLflow server, such as "
        "http://mlflow:5000, or to a file, such as sqlite:////data/mlflow.db."
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert load("demo", lakehouse={"root": "s3a://bucket/lake"}).root.is_remote


def test_a_file_uri_is_a_folder():
    assert str(load("demo", lakehouse={"root": "file:///data/lake"}).root) == "/data/lake"


@pytest.mark.parametrize("root", ["/Volumes/main/retention/lake", "lake", "./a:b", "/data/a b:c"])
def test_a_folder_is_a_root(root):
    assert str(load("demo", lakehouse={"root": root}).root).endswith(root.removeprefix("./"))


def test_two_environments_share_a_catalog_by_a_prefix_of_schemas():
    dev = load("demo", lakehouse={"catalog": "main", "schema_prefix": "dev_"}).lakehouse
    assert dev.address("bronze.orders") == "main.dev_bronze.orders"
    plain = load("demo", lakehouse={"catalog": "main"}).lakehouse
    assert plain.address("bronze.orders") == "main.bronze.orders"
    assert load("demo").lakehouse.address("bronze.orders") is None


def test_a_prefix_that_makes_no_name_is_refused():
    assert refused(lakehouse={"catalog": "main", "schema_prefix": "dev-"}) == (
        "conf/demo.yaml: lakehouse: schema_prefix 'dev-' must be lower snake_case, such as dev_."
    )
    assert refused(lakehouse={"schema_prefix": "dev_"}) == (
        "conf/demo.yaml: lakehouse: schema_prefix 'dev_' needs a catalog; a lakehouse in a folder "
        "has no schemas. Set lakehouse.catalog, or remove the prefix."
    )


# --- MLflow's stores -----------------------------------------------------------------------------

SHARED = "sqlite:////shared/registry.db"


@pytest.mark.parametrize(
    ("mlflow", "catalog", "variable", "tracking"),
    [
        ({}, None, None, None),  # the file in the lakehouse
        ({}, "main", None, "databricks"),
        ({"registry_uri": "databricks-uc"}, "main", None, "databricks"),
        ({"registry_uri": "databricks-uc"}, None, None, "databricks"),
        # Runs are where the registered models are.
        ({"registry_uri": SHARED}, None, None, SHARED),
        ({"registry_uri": SHARED}, "main", None, SHARED),
        # A variable wins over these defaults, and conf over the variable.
        ({}, None, "http://tracking:5000", "http://tracking:5000"),
        ({"registry_uri": "databricks-uc"}, "main", "databricks://prod", "databricks://prod"),
        ({"tracking_uri": "http://conf:1"}, "main", "http://variable:2", "http://conf:1"),
    ],
)
def test_where_runs_are_tracked(monkeypatch, mlflow, catalog, variable, tracking):
    if variable:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)
    settings = load("demo", mlflow=mlflow, lakehouse={"catalog": catalog})
    assert tracking_uri(settings.mlflow, settings.lakehouse) == tracking


def test_the_registry_of_a_variable_is_respected(monkeypatch):
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", SHARED)
    settings = load("demo")
    assert registry_uri(settings.mlflow) == SHARED
    assert tracking_uri(settings.mlflow, settings.lakehouse) == SHARED
    conf = load("demo", mlflow={"registry_uri": "http://conf:1"})
    assert registry_uri(conf.mlflow) == "http://conf:1"


@pytest.mark.parametrize("local", [SHARED, "file:///runs", "/runs", "mlruns"])
def test_a_registry_on_databricks_with_local_runs_is_refused(monkeypatch, local):
    stores = {"registry_uri": "databricks-uc", "tracking_uri": local}
    assert refused(mlflow=stores, lakehouse={"catalog": "main"}) == (
        "conf/demo.yaml: the registry databricks-uc needs the runs of its models on Databricks "
        f"too, but mlflow.tracking_uri names the local store {local}, which is lost with the "
        "cluster. Remove mlflow.tracking_uri, or set it to databricks."
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", local)
    message = refused(mlflow={"registry_uri": "databricks-uc"})
    assert message.endswith(
        f"but MLFLOW_TRACKING_URI names the local store {local}, which is lost with the cluster. "
        "Remove MLFLOW_TRACKING_URI, or set it to databricks."
    )


@pytest.mark.parametrize("local", [SHARED, "file:///models", "/models", "mlruns"])
def test_runs_on_databricks_with_a_local_registry_are_refused(monkeypatch, local):
    def told(tracking, origin):
        return (
            f"conf/demo.yaml: runs are tracked on {tracking}, but {origin} names the local registry "
            f"{local}, which is lost with the cluster, so that every new cluster starts without a "
            f"champion. Remove {origin}, or set it to databricks-uc."
        )

    stores = {"registry_uri": local, "tracking_uri": "databricks"}
    assert refused(mlflow=stores) == told("databricks", "mlflow.registry_uri")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks://prod")
    assert refused(mlflow={"registry_uri": local}) == told(
        "databricks://prod", "mlflow.registry_uri"
    )
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", local)
    assert refused() == told("databricks://prod", "MLFLOW_REGISTRY_URI")
    # A registry on Databricks, a server, and a store of conf that wins over the variable.
    for registry in ("databricks-uc", "https://registry"):
        assert load("demo", mlflow={"registry_uri": registry}).mlflow.registry_uri == registry


@pytest.mark.parametrize(
    ("lakehouse", "mlflow", "name", "registered"),
    [
        ({"catalog": "main"}, {}, "churn", "main.gold.churn"),
        ({"catalog": "main", "schema_prefix": "dev_"}, {}, "churn", "main.dev_gold.churn"),
        ({"catalog": "main"}, {}, "ml.models.churn", "ml.models.churn"),
        ({"catalog": "main"}, {"registry_uri": SHARED}, "churn", "churn"),
        ({"catalog": None}, {"registry_uri": "databricks-uc"}, "churn", "churn"),
        ({"catalog": None}, {}, "churn", "churn"),
    ],
)
def test_a_model_in_unity_catalog_has_a_name_of_three_parts(lakehouse, mlflow, name, registered):
    settings = load("demo", lakehouse=lakehouse, mlflow=mlflow)
    assert registered_name(name, settings.mlflow, settings.lakehouse) == registered
