"""Conditions of conf in Python: the three-valued logic of SQL for one row, without an engine.

or         := and ("or" and)*
and        := not ("and" not)*
not        := "not" not | comparison
comparison := operand [("=" | "<>" | "!=" | "<" | "<=" | ">" | ">=") operand
              | "is" ["not"] "null" | ["not"] "between" operand "and" operand
              | ["not"] "in" "(" operand ("," operand)* ")"]
operand    := name | number | "null" | "(" or ")"
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from udfs.formula import FormulaError

Row = Mapping[str, float | None]
Node = Callable[[Row], Any]

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|-?\d+(?:\.\d+)?|<=|>=|<>|!=|[<>=(),])")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"and", "or", "not", "is", "null", "between", "in"}


def condition(text: str, names: Sequence[str]) -> Callable[[Row], bool | None]:
    """The condition as a function of a row, with the result that SQL gives; None is SQL's null.

    FormulaError for a name that is not in `names`, or a text that the grammar does not have.

    >>> risky = condition("p > 0.7 and (days > 60 or days is null)", ("p", "days"))
    >>> risky({"p": 0.8, "days": None}), risky({"p": 0.7, "days": 99})
    (True, False)
    """
    return _Parser(text, names).parsed()


class _Parser:
    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text, self.names, self.at = text, names, 0
        self.tokens = [token.group(1) for token in _TOKEN.finditer(text)]
        if "".join(self.tokens) != re.sub(r"\s+", "", text):
            raise self._fault("a sign that is not allowed")

    def parsed(self) -> Node:
        node = self._either()
        if self.at < len(self.tokens):
            raise self._fault(self._next())
        return node

    def _fault(self, what: str) -> FormulaError:
        return FormulaError(
            f"condition {self.text!r}: cannot read {what!r}. Compare {', '.join(self.names)} with "
            "numbers, joined by and, or, not, parentheses."
        )

    def _next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else "the end"

    def _took(self, *wanted: str) -> str | None:
        token = self._next().lower()
        if token not in wanted:
            return None
        self.at += 1
        return token

    def _expect(self, wanted: str) -> None:
        if self._took(wanted) is None:
            raise self._fault(self._next())

    def _either(self) -> Node:
        nodes = [self._both()]
        while self._took("or"):
            nodes.append(self._both())
        return nodes[0] if len(nodes) == 1 else lambda row: _any([node(row) for node in nodes])

    def _both(self) -> Node:
        nodes = [self._negated()]
        while self._took("and"):
            nodes.append(self._negated())
        return nodes[0] if len(nodes) == 1 else lambda row: _all([node(row) for node in nodes])

    def _negated(self) -> Node:
        if self._took("not"):
            return _not(self._negated())
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._operand()
        if sign := self._took(*_COMPARISONS):
            return _compared(_COMPARISONS[sign], left, self._operand())
        if self._took("is"):
            is_negated = self._took("not")
            self._expect("null")
            return (
                (lambda row: left(row) is not None)
                if is_negated
                else (lambda row: left(row) is None)
            )
        is_negated = self._took("not")
        if self._took("between"):
            low = self._operand()
            self._expect("and")
            inside = _between(left, low, self._operand())
        elif self._took("in"):
            inside = self._listed(left)
        elif is_negated:
            raise self._fault(self._next())
        else:
            return left
        return _not(inside) if is_negated else inside

    def _listed(self, left: Node) -> Node:
        self._expect("(")
        equal = [_compared(operator.eq, left, self._operand())]
        while self._took(","):
            equal.append(_compared(operator.eq, left, self._operand()))
        self._expect(")")
        return lambda row: _any([node(row) for node in equal])

    def _operand(self) -> Node:
        token = self._next()
        if self._took("("):
            inner = self._either()
            self._expect(")")
            return inner
        self.at += 1
        if token.lower() == "null":
            return lambda row: None
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            number = float(token)
            return lambda row: number
        name = token.lower()
        if name in self.names and name not in _WORDS:
            return lambda row: row[name]
        raise self._fault(token)


def _compared(compare: Callable[[Any, Any], bool], left: Node, right: Node) -> Node:
    def compared(row: Row) -> bool | None:
        a, b = left(row), right(row)
        return None if a is None or b is None else compare(a, b)

    return compared


def _between(value: Node, low: Node, high: Node) -> Node:
    above, below = _compared(operator.ge, value, low), _compared(operator.le, value, high)
    return lambda row: _all([above(row), below(row)])


def _not(node: Node) -> Node:
    def negated(row: Row) -> bool | None:
        value = node(row)
        return None if value is None else not value

    return negated


def _all(values: Sequence[bool | None]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _any(values: Sequence[bool | None]) -> bool | None:
    if True in values:
        return True
    return None if None in values else False
