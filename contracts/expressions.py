"""What can be said of a SQL expression in conf from its text alone, before there is any data."""

from __future__ import annotations

import re
from collections.abc import Iterable

# A quoted text, a quoted name, a number, a word, or one sign; Spark reads "..." as a text.
_TOKEN = re.compile(
    r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]+`|\d[\w.]*|[A-Za-z_]\w*|::|\S""", re.DOTALL
)
_CAST = re.compile(r"cast", re.IGNORECASE)

# Functions whose null is an answer, not a failure: the author asked for it.
_NULL_IS_AN_ANSWER = frozenset(
    ("nullif", "decode", "nvl2", "get", "element_at", "get_json_object", "from_json", "variant_get")
)


def tokens(expression: str) -> list[str]:
    """The words, names, numbers, texts and signs of an expression, in order.

    >>> tokens("cast(`Unit price` as double) * 2")
    ['cast', '(', '`Unit price`', 'as', 'double', ')', '*', '2']
    """
    return _TOKEN.findall(expression)


def columns_used(expression: str, columns: Iterable[str]) -> list[str]:
    """Those of `columns` that the expression names; upper and lower case are alike, as in Spark.

    A function, a field of a struct and the type of a cast are no columns:

    >>> columns_used("cast(date(Day) as date) + order.price", ["date", "day", "price", "order"])
    ['day', 'order']
    """
    parts = tokens(expression)
    found = set()
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        is_name = part[0] == "`" or (part[0].isalpha() or part[0] == "_")
        is_other = before == "." or before.lower() == "as" or before == "::"
        is_call = part[0] != "`" and (after == "(" or after[:1] in ("'", '"'))
        if is_name and not is_other and not is_call:
            found.add(part.strip("`").lower())
    return [c for c in columns if c.lower() in found]


def with_try_casts(expression: str) -> str:
    """The same with `try_cast` for `cast`, which on a bad value gives null, never a wrong number.

    With ANSI off, Spark's `cast('1.5' AS int)` is 1 and a bigint is cut down to an int silently.

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
    """Whether the author lets it be null where all its columns have values.

    So do `try_...`, `nullif` and the like, a lookup with [...], the word NULL (but not IS NULL),
    and CASE without ELSE.

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
