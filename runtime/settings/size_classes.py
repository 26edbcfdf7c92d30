"""Settings whose defaults follow the number of customers. What the user sets is never changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.wording import plural

if TYPE_CHECKING:
    from runtime.settings.environment import Settings


@dataclass(frozen=True)
class SizeClass:
    """Companies with up to `most_customers` customers (None: any number), and their defaults.

    A training run has about seven rows per customer: one per as_of date.
    """

    name: str
    most_customers: int | None
    settings: Mapping[str, Any]


# conf/defaults.yaml has the values of the first class, and says beside each setting how many fits
# it costs. The network is left out first: it cannot become champion, and of the four learners its
# fit grows most (8 s with 100,000 rows, 50 s with a million: benchmarks/RESULTS.md). The standard
# deviation over folds needs fewer folds the more customers are in each.
EXACT_LEARNERS = ["xgboost", "random_forest", "logistic_regression"]
SIZE_CLASSES = (
    SizeClass("small", 10_000, {}),
    SizeClass(
        "medium",
        100_000,
        {"training.learners": EXACT_LEARNERS, "training.stability.folds": 5},
    ),
    SizeClass(
        "large",
        None,
        {
            "training.learners": EXACT_LEARNERS,
            "training.search": "none",
            "training.stability.folds": 3,
            "training.compare_feature_sets": False,
            "lifetime.backtest.cuts": 2,
        },
    ),
)


def size_class(customers: int) -> SizeClass:
    """The class of a company with so many customers.

    >>> size_class(10_000).name, size_class(10_001).name
    ('small', 'medium')
    """
    return next(
        c for c in SIZE_CLASSES if c.most_customers is None or customers <= c.most_customers
    )


def settings_by_size(settings: Settings, customers: int) -> tuple[Settings, str]:
    """The settings with the defaults of the company's size, and what they are as one line.

    A setting that conf/<env>.yaml, a variable or an option gives keeps its value.
    """
    chosen = size_class(customers)
    kept = [name for name in chosen.settings if is_given(name, settings.given)]
    changed = {name: value for name, value in chosen.settings.items() if name not in kept}
    for name, value in changed.items():
        settings = _with(settings, name.split("."), value)
    return settings, _line(chosen, changed, kept)


def _line(chosen: SizeClass, changed: Mapping[str, Any], kept: Sequence[str]) -> str:
    told = [f"{name} {_shown(value)}" for name, value in changed.items()]
    text = ", ".join(told) or "as in conf/defaults.yaml"
    own = f"; yours: {', '.join(kept)}" if kept else ""
    most = chosen.most_customers
    up_to = f"up to {plural(most, 'customer')}" if most else "more customers"
    return f"settings by size: {chosen.name} ({up_to}): {text}{own}"


def _shown(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else str(value).lower()


def is_given(name: str, given: Collection[str]) -> bool:
    """Whether the setting, or a section that holds it, was given as a whole.

    >>> is_given("training.search", {"training.search"}), is_given("training.search", {"as_of"})
    (True, False)
    """
    parts = name.split(".")
    return any(".".join(parts[:n]) in given for n in range(1, len(parts) + 1))


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested sections by their dotted names.

    >>> flat({"as_of": None, "training": {"search": "none"}})
    {'as_of': None, 'training.search': 'none'}
    """
    named: dict[str, Any] = {}
    for key, value in values.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {}
        named |= inner or {f"{prefix}{key}": value}
    return named


def _with(section: Any, path: Sequence[str], value: Any) -> Any:
    """A copy of the section with one setting changed."""
    name, *inner_path = path
    inner = _with(getattr(section, name), inner_path, value) if inner_path else value
    return section.model_copy(update={name: inner})
