"""The file that MLflow copies into every registered version."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from pipelines import churn

ROOT = Path(__file__).parents[4]


def test_the_registered_copy_needs_only_the_portable_model():
    """A version runs its copy of the file for as long as it is registered.

    A further import would tie old versions to the layout of the checkout.
    """
    code = Path(churn.__file__).with_name("churn_pyfunc.py").read_text()
    imported = {
        name
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    ours = {name for name in imported if (ROOT / name.split(".")[0]).is_dir()}
    assert ours == {"models.portable"}
    assert imported - ours - set(sys.stdlib_module_names) == {"mlflow", "pandas"}
