"""Faults of settings as sentences with the value, the rule and the fix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from runtime.suggestions import did_you_mean


def not_yaml(file: str, error: yaml.YAMLError) -> str:
    """Where a file is not YAML, and why."""
    mark = getattr(error, "problem_mark", None)
    place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    reason = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    return f"{file}{place}: is not valid YAML: {f'{context}, ' if context else ''}{reason}. Fix it."


def explain(error: ValidationError, file: str, model: type[BaseModel]) -> str:
    """One line per fault of a file of settings."""
    return "\n".join(f"{file}: {_sentence(fault, model)}" for fault in error.errors())


def _sentence(fault: Any, model: type[BaseModel]) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    reason = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        nearest = nearest_key(model, fault["loc"])
        return f"{where} is not a setting.{nearest} Remove it, or fix its spelling."
    end = "" if reason.endswith("?") else "."  # a suggestion is a sentence of its own
    if isinstance(fault.get("input"), dict):  # a section: the message names the value
        return f"{where + ': ' if where else ''}{reason}{end}"
    # An option of a reader may be a password.
    value = "(hidden)" if "options" in fault["loc"] else repr(fault.get("input"))
    value = re.sub(r"//[^/@:]*:[^/@]*@", "//(hidden)@", value)
    return f"{where} = {value}: {reason}{end}"


def nearest_key(model: type[BaseModel], path: Sequence[str | int]) -> str:
    """' Did you mean <path of a setting>?' for an unknown key; empty if no key is near."""
    *section, key = (str(part) for part in path)
    for part in section:
        # A part that is no field is a key that conf chooses, such as the name of a source.
        if part in model.model_fields:
            models = list(_models(model.model_fields[part].annotation))
            if not models:
                return ""
            model = models[0]
    return did_you_mean(key, model.model_fields, "".join(f"{part}." for part in section))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The sections in a type such as `dict[str, SourceSettings] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
