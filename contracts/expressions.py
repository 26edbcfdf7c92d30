"""Static checks of SQL expressions in conf. They read the text only and need no data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from contracts.bronze import stored_name

# A string literal, a quoted name, a number, a word, or one sign. Spark reads "..." as a string.
_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]+`|\d[\w.]*|[A-Za-z_]\w*|::|\S""", re.DOTALL
)
_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]+`""", re.DOTALL)
_CAST = re.compile(r"cast", re.IGNORECASE)

# Functions that return null on purpose. A null from them is no failed conversion.
_NULL_IS_AN_ANSWER = frozenset(
    ("nullif", "decode", "nvl2", "get", "element_at", "get_json_object", "from_json", "variant_get")
)


def tokens(expression: str) -> list[str]:
    """Split an expression into words, names, numbers, string literals and signs, in order.

    >>> tokens("cast(`Unit price` as double) * 2")
    ['cast', '(', '`Unit price`', 'as', 'double', ')', '*', '2']
    """
    return _TOKEN.findall(expression)


_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def with_stored_names(expression: str, columns: Iterable[str]) -> str:
    """The expression with the names that the source's columns have in bronze.

    `columns` are names in bronze. If the whole text names a column, as the file's header writes it
    or as bronze does, the expression is that column. Otherwise names in backticks may be written as
    in the header.

    >>> with_stored_names("Bestell-Nr.", ["Bestell-Nr_", "Preis"])
    '`Bestell-Nr_`'
    >>> with_stored_names("concat(`Bestell-Nr.`, '-Nr.')", ["Bestell-Nr_"])
    "concat(`Bestell-Nr_`, '-Nr.')"
    >>> with_stored_names("Preis * 2", ["Bestell-Nr_", "Preis"])
    'Preis * 2'
    """
    names = {c.lower(): c for c in columns}

    def stored(name: str) -> str | None:
        return names.get(name.lower()) or names.get(stored_name(name).lower())

    def replaced(token: str) -> str:
        name = stored(token[1:-1]) if token[0] == "`" else None
        return f"`{name}`" if name else token

    whole = stored(expression.strip())
    return f"`{whole}`" if whole else _TOKEN.sub(lambda m: replaced(m[0]), expression)


def unquoted_names(expression: str, columns: Iterable[str]) -> list[str]:
    """Columns that an expression names without the backticks that they need, as it writes them.

    >>> unquoted_names("upper(Bestell-Nr.) || `Rabatt %`", ["Bestell-Nr_", "Rabatt_%", "upper"])
    ['Bestell-Nr.']
    """
    bare = _TOKEN.sub(lambda m: "\0" * len(m[0]) if m[0][0] in "'\"`" else m[0], expression)
    text = stored_name(bare).lower()
    special = [c for c in columns if not _PLAIN_NAME.fullmatch(c)]
    starts = [(text.find(c.lower()), len(c)) for c in special]
    return [expression[start : start + length] for start, length in starts if start >= 0]


# Functions and words that reach beyond the row: other tables, Java methods, files, the network, or
# stored secrets. An expression of one row needs none of them.
_BEYOND_THE_ROW = frozenset(
    (
        *("reflect", "try_reflect", "java_method", "read_files", "cloud_files"),
        *("read_kafka", "remote_query", "http_request", "secret", "try_secret", "ai_query"),
    )
)
# A query in parentheses begins with SELECT, TABLE or FROM. USING names a script in it.
_OF_QUERIES, _BEGINS_A_QUERY = ("select", "using"), ("table", "from")
# Spark replaces ${env:NAME} by a variable of the environment, even inside a text. A comment can
# stand between a function and its parenthesis.
_MARKS = ("${", "/*", "--")
# A row of the target is made from one row of the source.
_MANY_ROWS = frozenset(
    (
        *("explode", "explode_outer", "posexplode", "posexplode_outer", "inline", "inline_outer"),
        *("stack", "json_tuple", "range", "variant_explode", "variant_explode_outer"),
    )
)


def refused_words(expression: str) -> list[str]:
    """The words of an expression that a mapping must not use, in order, in lower case.

    They read other tables or files, call Java methods or the network, or return many rows. A column
    with such a name can be used in backticks, a text in quotes:

    >>> refused_words("reflect('java.lang.System', 'getenv', 'KEY')")
    ['reflect']
    >>> refused_words("(SELECT max(value) FROM text.`/etc/passwd`)")
    ['select']
    >>> refused_words("concat(`select`, 'reflect(', range)"), refused_words("range (1, 9)")
    ([], ['range'])
    >>> refused_words("'${env:KEY}'"), refused_words("`reflect`(a)"), refused_words("stack/**/(a)")
    (['${'], ['reflect'], ['/*'])
    >>> refused_words("(TABLE text.`/etc/passwd`)"), refused_words("(map a using 'id')")
    (['table'], ['using'])
    """
    parts = [t.lower() for t in tokens(expression)]
    refused = _BEYOND_THE_ROW | _MANY_ROWS
    words = [
        part.strip("`")
        for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False)
        if part in _OF_QUERIES
        or (before == "(" and part in _BEGINS_A_QUERY)
        or (after == "(" and part.strip("`") in refused)
    ]
    bare = _TEXT.sub("''", expression)
    return words + [m for m in _MARKS if m in (expression if m == "${" else bare)]


def columns_used(expression: str, columns: Iterable[str]) -> list[str]:
    """The members of `columns` that the expression uses. Case is ignored, as in Spark.

    A function name, a struct field and the type of a cast are not columns:

    >>> columns_used("cast(date(Day) as date) + order.price", ["date", "day", "price", "order"])
    ['day', 'order']
    """
    parts = tokens(expression)
    names = set()
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        is_name = part[0] == "`" or (part[0].isalpha() or part[0] == "_")
        is_other = before == "." or before.lower() == "as" or before == "::"
        is_call = part[0] != "`" and (after == "(" or after[:1] in ("'", '"'))
        if is_name and not is_other and not is_call:
            names.add(part.strip("`").lower())
    return [c for c in columns if c.lower() in names]


def with_try_casts(expression: str) -> str:
    """Replace `cast` by `try_cast`, which returns null for a bad value, never a wrong number.

    With ANSI mode off, Spark's `cast('1.5' AS int)` is 1, and a bigint that overflows an int is
    truncated silently.

    >>> with_try_casts("cast(a as int) + try_cast(b as int) + length('cast(c)')")
    "try_cast(a as int) + try_cast(b as int) + length('cast(c)')"
    """
    return _TOKEN.sub(
        lambda m: "try_cast" if _CAST.fullmatch(m[0]) and _opens(expression, m.end()) else m[0],
        expression,
    )


def _opens(text: str, at: int) -> bool:
    return text[at:].lstrip().startswith("(")


def may_be_null(expression: str) -> bool:
    """True if the expression may return null although all its columns have values.

    These are `try_...`, `nullif` and similar functions, a lookup with [...], the word NULL (but not
    IS NULL), and CASE without ELSE.

    >>> may_be_null("nullif(amount, '-')"), may_be_null("try_cast(amount as double)")
    (True, True)
    >>> may_be_null("case when kind = 'refund' then -cast(amount as double) else 0 end")
    False
    >>> may_be_null("a is not null"), may_be_null("case when a > 0 then a end")
    (False, True)
    """
    words = [t.lower() for t in tokens(expression)]
    pairs = list(zip(["", *words], words, strict=False))
    return (
        any(w in _NULL_IS_AN_ANSWER or w.startswith("try_") or w == "[" for w in words)
        or any(w == "null" and before not in ("is", "not") for before, w in pairs)
        or words.count("case") > words.count("else")
    )
