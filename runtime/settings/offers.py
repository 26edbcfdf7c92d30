"""conf/offers.yaml, checked as a whole: every fault with the line that it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from runtime.errors import UsageError
from runtime.settings import conf_dir, package_conf
from runtime.settings.decisions import OfferFile, OfferSettings

NAME = "offers.yaml"


def load_offers() -> dict[str, OfferSettings]:
    """The offers of --conf-dir, else of the package, in the order of the file."""
    own = conf_dir() / NAME
    return read_offers(own if own.is_file() else package_conf() / NAME)


def valid_days() -> dict[str, int]:
    """For how long from its day on each offer may be sent."""
    return {name: offer.valid_days for name, offer in load_offers().items()}


def read_offers(path: Path) -> dict[str, OfferSettings]:
    """The offers of a file. UsageError names each fault and its line."""
    text = path.read_text(encoding="utf-8")
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise UsageError(
            f"conf/{NAME}, line {line}: is not valid YAML: {getattr(error, 'problem', error)}. "
            "Mend that line."
        ) from None
    faults = [
        f"conf/{NAME}, line {line}: {name} stands twice. Keep one." for name, line in _twice(tree)
    ]
    try:
        found = OfferFile.model_validate(content if isinstance(content, dict) else {})
    except ValidationError as error:
        faults += [_explained(fault, tree) for fault in error.errors()]
    if faults:
        raise UsageError("\n".join(faults))
    return found.offers


def _explained(fault: Any, tree: yaml.Node | None) -> str:
    where = [part for part in fault["loc"] if part != "[key]"]
    line = _line(tree, where)
    path = ".".join(str(part) for part in where)
    said = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return f"conf/{NAME}, line {line}: {path} is no setting of an offer. Remove it."
    if fault["type"] == "missing":
        return f"conf/{NAME}, line {line}: {path} is missing. Add it."
    return f"conf/{NAME}, line {line}: {path}: {said}. Found {fault.get('input')!r}."


def _line(tree: yaml.Node | None, path: Sequence[str | int]) -> int:
    """The line of the deepest part of the path that is there."""
    node, line = tree, 1
    for part in path:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        hit = next(((k, v) for k, v in pairs if k.value == str(part)), None)
        if hit is None:
            break
        line, node = hit[0].start_mark.line + 1, hit[1]
    return line


def _twice(tree: yaml.Node | None) -> list[tuple[str, int]]:
    """Keys that one mapping has more than once: YAML would silently keep the last."""
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in node.value:
                if key.value in seen:
                    found.append((key.value, key.start_mark.line + 1))
                seen.add(key.value)
                waiting.append(value)
    return sorted(found, key=lambda pair: pair[1])
