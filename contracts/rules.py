"""Row rules used by the contracts. Each rule is a SQL predicate that Spark and DuckDB both run."""

from __future__ import annotations

from contracts.table import Column, Rule

# Maximum length of a value, in characters. A 1 MB "name" is a broken export, not a name.
LONGEST_VALUE = 1_000
LONGEST_TEXT = 20_000

# Characters that an identifier must not have: control characters, and those that set the direction
# of text. SQL cannot hold the character 0, so it is written as chr(0).
_INVISIBLE = "".join(
    map(
        chr,
        (*range(0x01, 0x20), 0x7F, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)),
    )
)

# Outcome of a row at ingest.
KEPT, QUARANTINED, DUPLICATE, LEFT_OUT = "kept", "quarantined", "duplicate", "left_out"
# Of a customer on silver.erasure_list: the row is stored nowhere.
ERASED = "erased"

# Reasons to reject a row that are not rules of a table. A name that starts with "_" is a suffix
# that follows a column name.
MALFORMED_ROW, UNIQUE_KEY = "malformed_row", "unique_key"
LATE = "late"
# Of the column `token` of silver.survey_answers, see udfs/survey_tokens.py.
TOKEN_REASONS = {
    "token_garbled": "the value is not a token of a survey link",
    "token_forged": "the signature of the token was not made with the key of section survey",
    "token_expired": "the survey was answered after the last day of the token",
}
REASONS = {
    MALFORMED_ROW: "the row has too few or too many columns, or is not a JSON object",
    UNIQUE_KEY: "an earlier row has the same key and different content",
    LATE: "the event was older than the watermark of the stream when it arrived",
    "type_changed": "the value does not fit the type that the column had in the first load",
    "_type": "the value cannot be read as the type of its column",
    "_not_finite": "the value is NaN or infinite",
    **TOKEN_REASONS,
}

# Rules that a whole file must keep. A file that breaks one is quarantined: none of its rows are
# loaded, and bronze.ingest_log has the rule in its column `fault`.
EMPTY, UNREADABLE, ENCODING, LINE_LENGTH = "empty", "unreadable", "encoding", "line_length"
EXPANSION, COLUMNS = "expansion", "columns"
FILE_RULES = (EMPTY, UNREADABLE, ENCODING, LINE_LENGTH, EXPANSION, COLUMNS)


def not_null(column: str) -> Rule:
    """The column has a value, and the value is not blank."""
    return Rule(
        f"{column}_not_null",
        f"{column} IS NOT NULL AND trim(CAST({column} AS string)) <> ''",
        (column,),
        explanation=f"{column} must have a value",
    )


def in_range(column: str, low: float | None = None, high: float | None = None) -> Rule:
    """low <= column <= high. Either bound is optional."""
    parts = [f"{column} >= {low}"] if low is not None else []
    parts += [f"{column} <= {high}"] if high is not None else []
    text = " and ".join(parts)
    return Rule(f"{column}_in_range", text.replace(" and ", " AND "), (column,), explanation=text)


def one_of(column: str, values: tuple[str, ...]) -> Rule:
    """The column holds one of the given values."""
    listed = ", ".join(f"'{v}'" for v in values)
    return Rule(
        f"{column}_one_of", f"{column} IN ({listed})", (column,), explanation=f"one of {listed}"
    )


def not_future(column: str) -> Rule:
    """The event happened no later than the row arrived (`arrived_at`, set by ingest)."""
    return Rule(
        f"{column}_not_future",
        f"{column} <= arrived_at",
        (column,),
        explanation=f"{column} must not be later than the time the row arrived",
    )


def not_before(column: str, earliest: str = "1970-01-01") -> Rule:
    """The event is not earlier than `earliest`. An earlier date comes from a broken clock."""
    return Rule(
        f"{column}_not_before",
        f"{column} >= CAST('{earliest}' AS timestamp)",
        (column,),
        explanation=f"{column} must be {earliest} or later",
    )


def in_order(earlier: str, later: str) -> Rule:
    """The timestamp `later` is not before the timestamp `earlier`."""
    return Rule(
        f"{later}_not_before_{earlier}",
        f"{later} >= {earlier}",
        (earlier, later),
        explanation=f"{later} must not be before {earlier}",
    )


def text_rules(columns: tuple[Column, ...]) -> tuple[Rule, ...]:
    """Rules for string columns: valid encoding, bounded length, and (not free text) no formula.

    Identifiers have no invisible characters either: two ids that look the same would differ.
    """
    rules: list[Rule] = []
    for column in (c for c in columns if c.type == "string"):
        name, longest = column.name, LONGEST_TEXT if column.is_free_text else LONGEST_VALUE
        rules.append(
            Rule(
                f"{name}_encoding",
                # A decoder writes U+FFFD where the bytes are not valid UTF-8.
                f"NOT contains({name}, '\ufffd')",
                (name,),
                explanation=f"{name} must be valid UTF-8",
            )
        )
        rules.append(
            Rule(
                f"{name}_length",
                f"length({name}) <= {longest}",
                (name,),
                explanation=f"{name} must have at most {longest} characters",
            )
        )
        if name.endswith("_id"):
            rules.append(
                Rule(
                    f"{name}_invisible",
                    f"translate({name}, concat('{_INVISIBLE}', chr(0)), '') = {name}",
                    (name,),
                    explanation=f"{name} must not have control or direction characters",
                )
            )
        if not column.is_free_text:
            rules.append(
                Rule(
                    f"{name}_formula",
                    f"NOT ({name} LIKE '=%' OR {name} LIKE '@%' OR {name} LIKE '+%(%')",
                    (name,),
                    explanation=f"{name} must not be a spreadsheet formula",
                )
            )
    return tuple(rules)


def explanation(reason: str, rules: tuple[Rule, ...]) -> str:
    """Explain a reason name from `_errors`.

    >>> explanation("stars_type", ()), explanation("type_changed:stars", ())[:14]
    ('the value cannot be read as the type of its column', 'the value does')
    """
    for rule in rules:
        if rule.name == reason:
            return rule.explanation
    kind = reason.partition(":")[0]
    ends = [text for end, text in REASONS.items() if end[0] == "_" and kind.endswith(end)]
    return REASONS.get(kind) or ends[0]
