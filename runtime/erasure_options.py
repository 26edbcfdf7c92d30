"""The options of erase_customer, checked before Spark starts."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from runtime.errors import UsageError
from runtime.settings import Settings

HEADER = "customer_id"
_QUOTES = "\"'"


def customers_of(customers: Sequence[str] | None, file: Path | None) -> tuple[str, ...]:
    """The ids of both options, each once. UsageError: there are none, or one is blank."""
    ids = list(customers or ())
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"--file {file}: cannot be read as UTF-8 text ({type(error).__name__}). Give a "
                "file with one id per line."
            ) from None
        listed = [line.strip().strip(_QUOTES) for line in lines]
        ids += [i for i in listed[listed[:1] == [HEADER] :] if i]
    if any(not i.strip() for i in ids):
        raise UsageError("--customer: is blank. Give the id of a customer.")
    if not ids:
        raise UsageError(
            "erase_customer: no customer is named. Give --customer ID, or --file with one id per "
            "line."
        )
    return tuple(sorted(set(ids)))


def check_erasure_key(settings: Settings) -> None:
    """UsageError: the key of the erasure list is missing or too short."""
    settings.personal_data.erasure_key(settings.env)


def check_pseudonym_key(settings: Settings) -> None:
    """UsageError: the key of pseudonyms is missing or too short."""
    settings.personal_data.pseudonym_key(settings.env)


def check_packages(settings: Settings) -> None:
    """UsageError if a package is missing that cleans logs, or that erases the online store."""
    for package in ("deltalake", "redis"):
        if importlib.util.find_spec(package) is None:
            raise UsageError(
                f"erase_customer: the package {package} is not installed. Run `bin/setup service` "
                "in a checkout, else `pip install 'holdfast[service]'`."
            )
