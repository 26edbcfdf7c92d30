"""The arguments of `init`, checked before pandas is imported."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime.errors import UsageError
from runtime.settings.conf_folder import check_name, conf_dir, use_conf_dir
from runtime.suggestions import did_you_mean

# What a person can say about the columns of an export.
CHOICES = (
    *("customer_id", "order_id", "line_number", "product_id", "purchased_at", "amount"),
    *("quantity", "price", "discount", "status", "kind", "currency"),
)


@dataclass(frozen=True)
class InitOptions:
    """export: the file or folder to read. target: the file to write, which does not exist.

    columns: what a person said about the columns: role -> column of the file; None: no column.
    currency: ISO code that a person gave. facts: where the guess is also written as JSON.
    """

    export: Path
    target: Path
    columns: Mapping[str, str | None] = field(default_factory=dict)
    currency: str | None = None
    facts: Path | None = None


def init_options(
    path: str,
    env: str,
    own_conf_dir: str | None = None,
    *,
    columns: Sequence[str] = (),
    currency: str | None = None,
    facts: str | None = None,
) -> InitOptions:
    """UsageError if the export does not exist, conf/<env>.yaml exists, or an option is invalid."""
    use_conf_dir(own_conf_dir)
    check_name(env)
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError(f"--currency {currency}: must be an ISO 4217 code, such as EUR.")
    target = conf_dir() / f"{env}.yaml"
    if target.exists():
        raise UsageError(
            f"--env {env}: {target.name} exists in {target.parent.name}/ and is not overwritten. "
            f"Choose another name, or move the file."
        )
    export = Path(path).expanduser()
    if not export.exists():
        raise UsageError(f"{path}: no such file or folder. Name the export to read.")
    return InitOptions(export, target, chosen(columns), currency, Path(facts) if facts else None)


def chosen(columns: Sequence[str]) -> dict[str, str | None]:
    """The options --column as role -> column. UsageError for an unknown role or no equals sign.

    >>> chosen(["customer_id=Kunde", "discount="])
    {'customer_id': 'Kunde', 'discount': None}
    """
    roles: dict[str, str | None] = {}
    for text in columns:
        role, sign, name = text.partition("=")
        if not sign or role not in CHOICES:
            raise UsageError(
                f"--column {text[:80]}: must be role=column of the file, such as "
                f"customer_id=Customer; roles are {', '.join(CHOICES)}."
                f"{did_you_mean(role, CHOICES)}"
            )
        roles[role] = name or None
    return roles
