"""Bounds on a YAML file, in which an alias can stand for millions of values."""

from __future__ import annotations

from pathlib import Path

import yaml

from runtime.wording import plural

LARGEST_BYTES = 1_000_000
DEEPEST = 50
MOST_VALUES = 100_000


def check_yaml_size(path: Path) -> None:
    """ValueError if the file is too large, nested too deeply, or stands for too many values.

    The file is read event by event, so that nothing is built before its size is known. An alias
    counts as many values as its anchor.
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise ValueError(f"it has {plural(size, 'byte')}, and at most {LARGEST_BYTES:,} are read")
    # Values of each open collection, with its anchor; the first entry is the document.
    open_sizes: list[int] = [0]
    open_anchors: list[str | None] = [None]
    anchored: dict[str, int] = {}
    for event in yaml.parse(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_sizes.append(1)
            open_anchors.append(event.anchor)
            if len(open_sizes) > DEEPEST:
                raise ValueError(f"it is nested deeper than {DEEPEST} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            values, anchor = open_sizes.pop(), open_anchors.pop()
            _add(open_sizes, values)
            if anchor:
                anchored[anchor] = values
        elif isinstance(event, yaml.AliasEvent):
            # An alias inside its own anchor is refused when the file is read.
            _add(open_sizes, anchored.get(event.anchor, 1))
        elif isinstance(event, yaml.ScalarEvent):
            _add(open_sizes, 1)
            if event.anchor:
                anchored[event.anchor] = 1


def _add(sizes: list[int], values: int) -> None:
    """Add values to the innermost open collection."""
    sizes[-1] += values
    if sizes[-1] > MOST_VALUES:
        raise ValueError(f"it stands for more than {MOST_VALUES:,} values")
