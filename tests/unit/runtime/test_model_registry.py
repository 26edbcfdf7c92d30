"""The tracking store in the lakehouse: whoever only asks for a model makes no file."""

from __future__ import annotations

from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.settings import load


def test_whoever_only_asks_for_a_model_leaves_no_trace(tmp_path):
    registry = Registry(load("demo", lakehouse={"root": str(tmp_path / "lakehouse")}))
    assert registry.by_alias(CHAMPION) is None
    assert registry.by_alias(CHALLENGER) is None
    assert list(tmp_path.iterdir()) == []
