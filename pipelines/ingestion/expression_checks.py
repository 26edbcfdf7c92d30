"""Check on Spark that the expressions of a source are valid over its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException, ParseException

from contracts.expressions import unquoted_names
from pipelines.ingestion.file_checks import missing_column
from pipelines.ingestion.read_errors import first_sentence
from pipelines.ingestion.source_checks import TARGETS
from pipelines.ingestion.source_files import RESERVED, Part
from runtime.errors import UsageError
from transforms.source_reads import expression_cast

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings.sources import SourceSettings


def check_expressions(
    env: str, name: str, source: SourceSettings, *, rows: DataFrame, part: Part | None
) -> None:
    """Check that `where` and the mapping are valid over the rows and have fitting types.

    SourceError if an expression uses a column that `part` does not have, else UsageError.
    """
    types = {f"mapping.{c}": kind for c, kind in TARGETS[source.table].types.items()}
    present = [c for c in rows.columns if c not in RESERVED]
    for setting, expression in source.expressions.items():
        kind = types.get(setting, "boolean")
        try:
            # Spark Connect analyses a frame when its columns are asked for.
            _ = expression_cast(rows, expression, kind).schema
        except (AnalysisException, ParseException) as error:
            condition, details = error.getCondition() or "", error.getMessageParameters() or {}
            unknown = details.get("objectName", "").strip("`")
            hint = _quoting_hint(expression, present)
            if condition.startswith("UNRESOLVED_COLUMN") and part is not None:
                raise missing_column(
                    env, name, setting, column=unknown, part=part, hint=hint
                ) from None
            raise UsageError(
                f"conf/{env}.yaml: sources.{name}.{setting} = {expression!r} is not an "
                f"expression of type {kind}: {first_sentence(str(error))}{hint} "
                f"The source's columns are {', '.join(present)}."
            ) from None


def _quoting_hint(expression: str, present: Sequence[str]) -> str:
    names = " and ".join(f"`{name}`" for name in unquoted_names(expression, present))
    return (
        f" Did you mean {names}? Inside an expression, a name with spaces or signs stands in "
        f"backticks."
        if names
        else ""
    )
