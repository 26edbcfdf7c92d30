"""The default strategy of a plan is one of its strategies."""

from __future__ import annotations

import pytest

from runtime.errors import UsageError
from runtime.settings import load


def test_the_default_strategy_must_be_among_the_strategies():
    assert load("demo").plan.default_strategy == "net_value"
    with pytest.raises(UsageError) as caught:
        load("demo", plan={"strategies": ["random", "p_alive"], "default_strategy": "net_value"})
    assert str(caught.value) == (
        "conf/demo.yaml: plan: default_strategy net_value must be one of strategies: random, "
        "p_alive."
    )
