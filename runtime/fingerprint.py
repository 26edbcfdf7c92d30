"""By what a finished run is known again: the same mark means that nothing would come out anew."""

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
    facts: Mapping[str, Any],
) -> str:
    """The same for the same environment, registered model, tables, code and further facts.

    versions: of the tables that are read, by name; None: there is no such table. A version alone
    may be that of another lake too, or of one that was built anew.
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
    """What Delta calls an existing table from its making on, in all of its versions."""
    detail = context.spark.sql(f"DESCRIBE DETAIL {context.lake.address(name)}")
    return str(detail.select("id").collect()[0][0])  # one row
