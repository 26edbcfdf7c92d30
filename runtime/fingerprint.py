"""Fingerprint of inputs, code and settings. A finished run with the same fingerprint is skipped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from runtime.context import Context
from runtime.run_info import code_version


def mark_of(
    context: Context,
    model_name: str,
    versions: Mapping[str, int | None],
    *,
    facts: Mapping[str, Any],
) -> str:
    """Fingerprint of environment, registered model, input tables, code and further facts.

    versions: Delta version of each input table by name. None: the table does not exist. The table
    id counts too: another lake, or one that was rebuilt, may have the same version numbers.
    """
    whole = {
        "env": context.settings.env,
        "model_name": model_name,
        "inputs": {n: v if v is None else [table_id(context, n), v] for n, v in versions.items()},
        "code": code_version(),
        **facts,
    }
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:24]


def table_id(context: Context, name: str) -> str:
    """Delta's id of an existing table. It stays the same in all versions."""
    detail = context.spark.sql(f"DESCRIBE DETAIL {context.lake.address(name)}")
    return str(detail.select("id").collect()[0][0])  # one row
