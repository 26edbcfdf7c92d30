"""Each setting and each variable that can hold a secret is hidden, and has a marker that tests seek."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel, SecretStr

from runtime.settings import Settings
from tests.architecture.packages import CODE
from tests.wiring.secret_values import SECRETS, VARIABLES

ROOT = Path(__file__).parents[2]
SOUNDS_SECRET = re.compile(r"password|passwd|secret|token|key|credential", re.IGNORECASE)
# Settings whose name sounds like a secret, and what they hold.
NO_SECRETS = {
    "sources.*.key": "names of columns",
    "messages.max_tokens": "a number",
    "service.api_keys": "digests of keys",
    "service.api_keys_file": "the path of a file with digests of keys",
}
# A setting with this end holds the name of a variable of the environment, never the secret itself.
NAMES_A_VARIABLE = "_variable"
# Variables that the code reads and that hold no secret.
NO_SECRET_VARIABLES = {
    "AWS_DEFAULT_REGION": "a name",
    "AWS_ENDPOINT_URL": "an address",
    "AWS_ENDPOINT_URL_S3": "an address",
    "AWS_REGION": "a name",
    "CRASH_AT": "a point at which a test kills a job",
    "DATABRICKS_RUNTIME_VERSION": "a version",
    "MLFLOW_REGISTRY_URI": "an address; MLflow reads user and password from variables of its own",
    "MLFLOW_TRACKING_URI": "an address; MLflow reads user and password from variables of its own",
    "PYSPARK_GATEWAY_PORT": "set by spark-submit",
    "SPARK_REMOTE": "an address, shown up to the port; pyspark reads the token behind it",
}


def fields_of(kind: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(path, type) of every setting below a type; `*` stands for any key of a dictionary."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            inner = f"{path}.{name}" if path else name
            yield inner, field.annotation
            yield from fields_of(field.annotation, inner)
    elif get_origin(kind) is dict:
        yield f"{path}.*", get_args(kind)[1]
        yield from fields_of(get_args(kind)[1], f"{path}.*")
    else:
        for part in get_args(kind):
            yield from fields_of(part, path)


def variables_of(text: str) -> set[str]:
    """Names of the variables of the environment that a module reads; `?` for a computed name."""
    tree = ast.parse(text)
    constants: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            target, value = node.targets[0], node.value
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for name, content in pairs:
                if isinstance(name, ast.Name) and isinstance(content, ast.Constant):
                    constants[name.id] = str(content.value)

    def name_of(node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        if isinstance(node, ast.Attribute) and node.attr.endswith(NAMES_A_VARIABLE):
            return node.attr
        return constants.get(getattr(node, "id", ""), "?")

    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("os.environ.get", "os.environ.pop", "os.getenv", "environ.get", "getenv"):
                names.add(name_of(node.args[0]))
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("environ"):
            if isinstance(node.ctx, ast.Load):
                names.add(name_of(node.slice))
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            names.add(name_of(node.left))
    return names


def named_in(conf: Any) -> set[str]:
    """The variables of the environment that settings name."""
    if not isinstance(conf, dict):
        return set()
    own = {str(v) for k, v in conf.items() if k.endswith(NAMES_A_VARIABLE)}
    return own.union(*(named_in(v) for v in conf.values()))


def test_a_setting_that_sounds_like_a_secret_is_hidden():
    """A SecretStr is printed as stars. A variable of the environment is no setting at all."""
    shown = {
        path
        for path, kind in fields_of(Settings)
        if SOUNDS_SECRET.search(path.rpartition(".")[2])
        and kind is not SecretStr
        and not path.endswith(NAMES_A_VARIABLE)
    }
    assert shown == set(NO_SECRETS)


def test_each_hidden_setting_and_each_secret_variable_has_a_marker():
    """tests/wiring/test_marker_secrets.py searches for the markers in all that the commands leave."""
    hidden = {path for path, kind in fields_of(Settings) if kind is SecretStr}
    read = named_in(yaml.safe_load((ROOT / "conf" / "defaults.yaml").read_text()))
    read = read.union(
        *(variables_of(p.read_text()) for n in CODE for p in (ROOT / n).rglob("*.py"))
    )
    read = {name for name in read if not name.endswith(NAMES_A_VARIABLE)}
    assert read - set(NO_SECRET_VARIABLES) == set(VARIABLES)
    assert hidden | set(VARIABLES) == set(SECRETS)
    assert all(SECRETS.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('A, B = "X", "Y"\nos.environ.get(B)', {"Y"}),
        ('os.environ["X"] = "1"', set()),
        ('os.environ["X"]; "Z" in os.environ', {"X", "Z"}),
        ("os.getenv(name)", {"?"}),
        ("os.environ.get(self.key_variable)", {"key_variable"}),
    ],
)
def test_the_variables_of_a_module(text, expected):
    assert variables_of(text) == expected


def test_variables_that_settings_name():
    conf = {"a": {"key_variable": "X", "b": {"token_variable": "Y"}}, "key": "Z"}
    assert named_in(conf) == {"X", "Y"}


class Inner(BaseModel):
    api_key: str
    hidden: dict[str, SecretStr]


class Outer(BaseModel):
    parts: dict[str, Inner] | None


def test_settings_are_found_at_every_depth():
    assert dict(fields_of(Outer)) == {
        "parts": dict[str, Inner] | None,
        "parts.*": Inner,
        "parts.*.api_key": str,
        "parts.*.hidden": dict[str, SecretStr],
        "parts.*.hidden.*": SecretStr,
    }
