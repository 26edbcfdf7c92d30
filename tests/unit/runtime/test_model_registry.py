"""The registry: a version is loaded without the checkout, and follows a moved lakehouse."""

from __future__ import annotations

import hashlib
import json
import marshal
import math
import os
import py_compile
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from models.portable_text import sealed
from pipelines import churn
from runtime.errors import HoldfastError, ModelGateError
from runtime.model_digest import log_record
from runtime.model_registry import CHALLENGER, CHAMPION, PREVIOUS, Registry, rollback
from runtime.moved_store import follow_move
from runtime.settings import load

# Run by Python in isolated mode: no PYTHONPATH, another folder, and no Spark.
FRESH = """
import json, sys
sys.modules["pyspark"] = None
import mlflow, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/churn@champion")
inputs = [
    {"purchases": 2, "is_member": True, "plan": "gold"},
    {"purchases": None, "is_member": None, "plan": None},
    pd.DataFrame({"purchases": [2, 4], "is_member": [False, True], "plan": ["gold", "new"]}),
    pd.DataFrame(
        {
            "purchases": pd.array([2, None], "Int64"),
            "is_member": pd.array([None, True], "boolean"),
            "plan": ["basic", None],
            "customer_id": ["a", "b"],
        },
        index=[7, 3],
    ),
]
answers = [model.predict(i)["churn_probability"].tolist() for i in inputs]
ours = {"models", "contracts", "udfs", "runtime", "pipelines", "transforms"}
loaded = sorted(ours & {name.split(".")[0] for name in sys.modules})
print(json.dumps({"answers": answers, "loaded": loaded}))
"""


@pytest.fixture(scope="module", autouse=True)
def _without_spark():
    """On DuckDB, MLflow would take the replaced pyspark for a notebook on Databricks."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in sys.modules if n.split(".")[0] == "pyspark"]:
            patch.setitem(sys.modules, name, None)
        patch.setitem(sys.modules, "pyspark", None)
        yield


def registry_at(folder):
    return Registry(load("demo", lakehouse={"root": str(folder)}))


def test_whoever_only_asks_for_a_model_leaves_no_trace(tmp_path):
    registry = registry_at(tmp_path / "lakehouse")
    assert registry.by_alias(CHAMPION) is None
    assert registry.by_alias(CHALLENGER) is None
    assert list(tmp_path.iterdir()) == []


def with_champion(registry):
    """The registry, with a champion of three features."""
    encoder = FeatureEncoder(
        ("purchases", "is_member"), (("plan", ("basic", "gold")),), fill=(10.0, 0.0)
    )
    # Log-odds: -purchases / 2 + is_member + 3 if the plan is gold.
    model = PortableModel(encoder, LinearScorer((-0.5, 1.0, 0.0, 3.0), 0.0, (0.0,) * 4))
    example = pd.DataFrame({"purchases": [2.0], "is_member": [1.0], "plan": ["gold"]})
    answer = pd.DataFrame({"churn_probability": model.predict_proba(example)})
    mlflow.set_experiment(experiment_id=registry.experiment_id())
    code = Path(churn.__file__).with_name("churn_pyfunc.py")
    with mlflow.start_run() as run:
        version = registry.register(
            run.info.run_id,
            code,
            model.to_json(),
            example=example,
            answer=answer,
            tags={},
            further={"horizon_60": model.to_json()},
        )
        log_record({"rows": [1]}, "comparison.json")
    registry.promote(version)
    return registry


@pytest.fixture(scope="module")
def moved(tmp_path_factory):
    """The folder of a lakehouse with a champion, moved after the training."""
    folder = tmp_path_factory.mktemp("registry")
    with_champion(registry_at(folder / "old place"))
    return (folder / "old place").rename(folder / "new place")


@pytest.mark.parametrize("catalog", [None, "main"])
def test_a_new_cluster_finds_the_champion_of_the_registry(tmp_path, monkeypatch, catalog):
    """A new disk, and a registry elsewhere; mlflow.tracking_uri is not set."""
    monkeypatch.chdir(tmp_path)  # where this store keeps artifacts
    shared = {"registry_uri": f"sqlite:///{tmp_path}/registry.db"}

    def on_cluster(disk):
        place = {"root": str(tmp_path / disk / "lakehouse"), "catalog": catalog}
        return Registry(load("demo", lakehouse=place, mlflow=shared))

    assert on_cluster("first").by_alias(CHAMPION) is None
    with_champion(on_cluster("first"))
    champion = on_cluster("second").by_alias(CHAMPION)
    assert champion is not None and champion.version == "1"
    assert not (tmp_path / "second").exists()


def test_a_lakehouse_does_not_take_the_stores_of_the_one_before(tmp_path, monkeypatch):
    names = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    shared = {"registry_uri": f"sqlite:///{tmp_path}/registry.db"}
    Registry(load("demo", lakehouse={"root": str(tmp_path / "a")}, mlflow=shared))
    assert [os.environ.get(name) for name in names] == [None, None]
    registry_at(tmp_path / "b")
    own = f"sqlite:///{tmp_path}/b/mlflow.db"
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == (own, own)


def test_the_tracking_store_of_a_variable_is_used_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/theirs.db")
    registry = registry_at(tmp_path / "lakehouse")
    assert not registry.is_own_store
    assert mlflow.get_tracking_uri() == f"sqlite:///{tmp_path}/theirs.db"
    assert os.environ["MLFLOW_TRACKING_URI"] == f"sqlite:///{tmp_path}/theirs.db"


def sigmoid(log_odds):
    return 1 / (1 + math.exp(-log_odds))


def test_a_version_of_a_moved_lakehouse_is_loaded_without_the_checkout(moved, tmp_path):
    champion = registry_at(moved).by_alias(CHAMPION)
    assert champion is not None and "checksum" in champion.portable
    result = subprocess.run(
        [sys.executable, "-I", "-c", FRESH, f"sqlite:///{moved}/mlflow.db"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["loaded"] == []
    # A missing number of purchases counts as 10, the fill value of the encoder.
    expected = [[-1 + 1 + 3], [-5], [-1 + 3, -2 + 1], [-1, -5 + 1]]
    for given, log_odds in zip(told["answers"], expected, strict=True):
        assert given == pytest.approx([sigmoid(x) for x in log_odds])


def test_the_requirements_are_pinned_and_have_no_package_of_ours(moved):
    (file,) = moved.glob("mlartifacts/models/*/artifacts/requirements.txt")
    lines = file.read_text().split()
    assert [line for line in lines if "==" not in line] == []
    names = {line.split("==")[0] for line in lines}
    assert names == {"mlflow", "numba", "numpy", "pandas", "scikit-learn", "scipy"}


def test_logging_a_model_leaves_nothing_on_the_path(moved):
    assert [m for m in sys.modules if m.startswith("holdfast_")] == []
    assert [p for p in sys.path if p.endswith("model/code")] == []


# --- digests -------------------------------------------------------------------------------------


@pytest.fixture
def lake(moved, tmp_path):
    """A copy of the lakehouse whose files a test may change."""
    return shutil.copytree(moved, tmp_path / "lakehouse")


def only(folder, pattern):
    (path,) = folder.rglob(pattern)
    return path


def turned_round(path):
    """Change the model in a file, and compute its checksum again."""
    content = json.loads(path.read_text())["model"]
    content["ensemble"]["intercept"] = 9.0
    path.write_text(sealed(content))
    return hashlib.sha256(path.read_bytes()).hexdigest()


OF_A_VERSION = "Restore the file, or give the alias to another version, as roll_back does."
OF_A_RUN = "Restore the file, or delete the run in MLflow and start the command again."


def refusal(owner, path, changed, tag, expected, fix=OF_A_VERSION):
    return (
        f"churn, {owner}: {path} has the SHA-256 {changed[:12]}..., but the registry's tag {tag} is "
        f"{expected[:12]}...; a file that was changed after its registration is not used. {fix}"
    )


def test_a_changed_model_with_a_valid_checksum_is_refused(lake):
    path = only(lake, "portable/portable.json")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    changed = turned_round(path)
    PortableModel.from_json(path.read_text())  # the checksum alone shows nothing
    for load_it in (lambda r: r.by_alias(CHAMPION), lambda r: r.by_version("1")):
        with pytest.raises(ModelGateError) as caught:
            load_it(registry_at(lake))
        assert str(caught.value) == refusal(
            "version 1", "portable/portable.json", changed, "sha256.portable", before
        )


def test_a_changed_further_model_is_refused_and_an_added_one_is_not_read(lake):
    path = only(lake, "horizon_60.json")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("horizon_7.json").write_text(path.read_text())
    registry = registry_at(lake)
    champion = registry.by_alias(CHAMPION)
    assert registry.further_models(champion, "horizon") == {"60": champion.portable}
    changed = turned_round(path)
    with pytest.raises(ModelGateError) as caught:
        registry.further_models(champion, "horizon")
    assert str(caught.value) == refusal(
        "version 1", "portable/horizon_60.json", changed, "sha256.horizon_60", before
    )


def test_a_changed_record_of_a_run_is_refused(lake):
    path = only(lake, "comparison.json")
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    registry = registry_at(lake)
    run_id = registry.by_alias(CHAMPION).run_id
    assert registry.run_json(run_id, "comparison.json") == {"rows": [1]}
    path.write_text('{"rows": [2]}')
    changed = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ModelGateError) as caught:
        registry.run_json(run_id, "comparison.json")
    assert str(caught.value) == refusal(
        f"run {run_id[:12]}",
        "comparison.json",
        changed,
        "sha256.comparison",
        before,
        fix=OF_A_RUN,
    )


def change_the_code(folder):
    path = only(folder, "churn_pyfunc.py")
    path.write_text(path.read_text() + "\nprint('changed')\n")


def change_the_served_model(folder):
    turned_round(only(folder, "artifacts/portable.json"))


def add_a_file(folder):
    only(folder, "artifacts/portable.json").with_name("more.json").write_text("{}")


@pytest.mark.parametrize("change", [change_the_code, change_the_served_model, add_a_file])
def test_a_changed_served_folder_is_refused_before_its_code_runs(lake, change, capsys):
    change(lake / "mlartifacts" / "models")
    with pytest.raises(ModelGateError) as caught:
        registry_at(lake).served(CHAMPION)
    assert str(caught.value).startswith("churn, version 1: the served folder has the SHA-256 ")
    assert "tag sha256.model is" in str(caught.value)
    assert "changed" not in capsys.readouterr().out


def test_the_served_champion_runs_no_compiled_file_that_was_put_there(lake):
    """Python would run it in place of its source. MLflow writes a file too when it loads."""
    code = only(lake / "mlartifacts" / "models", "models/portable.py")
    (code.parent / "__pycache__").mkdir(exist_ok=True)
    tag = sys.implementation.cache_tag
    compiled = code.parent / "__pycache__" / f"portable.{tag}.pyc"
    py_compile.compile(str(code), cfile=str(compiled), doraise=True)
    poisoned = compiled.read_bytes()[:16] + marshal.dumps(compile("raise SystemExit", "x", "exec"))
    compiled.write_bytes(poisoned)
    (code.parents[3] / "registered_model_meta").write_text("model_name: churn")
    model = registry_at(lake).served(CHAMPION)
    row = pd.DataFrame({"purchases": [2.0], "is_member": [1.0], "plan": ["gold"]})
    assert model.predict(row)["churn_probability"][0] == pytest.approx(sigmoid(-1 + 1 + 3))


def test_nothing_is_served_without_an_alias(lake):
    with pytest.raises(ModelGateError) as caught:
        registry_at(lake).served("nobody")
    assert str(caught.value) == ("churn: no version has the alias nobody. Train a model first.")


def test_a_version_from_before_the_digests_is_loaded(lake):
    registry = registry_at(lake)
    for tag in registry.client.get_model_version("churn", "1").tags:
        registry.client.delete_model_version_tag("churn", "1", tag)
    turned_round(only(lake, "portable/portable.json"))
    champion = registry.by_alias(CHAMPION)
    assert list(registry.further_models(champion, "horizon")) == ["60"]


def test_a_changed_champion_can_be_rolled_back(lake):
    registry = registry_at(lake)
    first = registry.client.get_model_version("churn", "1")
    registry.client.create_model_version("churn", first.source, run_id=first.run_id)
    registry.promote("2")
    assert (registry.number_of(CHAMPION), registry.number_of(PREVIOUS)) == ("2", "1")
    path = only(lake, "portable/portable.json")
    original = path.read_text()
    registry.client.set_model_version_tag("churn", "2", "sha256.portable", "0" * 64)
    with pytest.raises(ModelGateError, match=r"version 2: portable/portable\.json has the SHA-256"):
        registry.by_alias(CHAMPION)
    turned_round(path)
    with pytest.raises(ModelGateError, match=r"version 1: portable/portable\.json has the SHA-256"):
        rollback(registry)  # to a version that was changed too
    path.write_text(original)
    assert rollback(registry) == "1"


# --- addresses -----------------------------------------------------------------------------------


def store_of(folder, *addresses):
    """An MLflow store with one experiment per address, and a run in it."""
    (folder / "mlartifacts").mkdir(parents=True)
    with sqlite3.connect(folder / "mlflow.db") as store:
        store.execute("CREATE TABLE experiments (artifact_location TEXT)")
        store.execute("CREATE TABLE runs (artifact_uri TEXT)")
        for address in addresses:
            store.execute("INSERT INTO experiments VALUES (?)", (address,))
            store.execute("INSERT INTO runs VALUES (?)", (f"{address}/r1/artifacts",))
    return folder


def addresses_in(folder):
    with sqlite3.connect(folder / "mlflow.db") as store:
        return [r[0] for t in ("experiments", "runs") for r in store.execute(f"SELECT * FROM {t}")]


def test_addresses_of_the_former_folder_become_those_of_the_present_one(tmp_path):
    lake = store_of(tmp_path / "a lake", "file:///former/lake/mlartifacts")
    assert follow_move(lake) == "file:///former/lake/mlartifacts"
    here = (lake / "mlartifacts").as_uri()
    assert addresses_in(lake) == [here, f"{here}/r1/artifacts"]
    assert follow_move(lake) is None


@pytest.mark.parametrize(
    "address", ["s3://bucket/mlartifacts", "file:///shared/models", "mlflow-artifacts:/mlartifacts"]
)
def test_configured_addresses_stay(tmp_path, address):
    lake = store_of(tmp_path / "lake", address)
    assert follow_move(lake) is None
    assert addresses_in(lake) == [address, f"{address}/r1/artifacts"]


def test_a_link_to_the_same_folder_is_no_move(tmp_path):
    lake = store_of(tmp_path / "lake", (tmp_path / "lake" / "mlartifacts").as_uri())
    (tmp_path / "link").symlink_to(lake)
    assert follow_move(tmp_path / "link") is None


def test_a_store_that_cannot_be_changed_is_named(tmp_path, monkeypatch):
    def refuse(root):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("runtime.model_registry.follow_move", refuse)
    with pytest.raises(HoldfastError) as caught:
        registry_at(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/mlflow.db: the lakehouse was moved, and the addresses of its models cannot be "
        "corrected (attempt to write a readonly database). Run one command with write permission "
        "for this file."
    )
