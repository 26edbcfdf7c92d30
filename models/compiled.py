"""Numba compilation with a cache on disk, so that new Python workers do not compile again."""

from __future__ import annotations

import zipimport
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """Compile the function at its first call and cache the machine code in __pycache__.

    Spark starts new Python workers often. Without the cache each one compiles for one to three
    seconds. Functions of a module in a .zip are not cached: Spark unpacks the file under a new name
    for each application, and the user's cache would grow without limit.
    """
    is_zipped = isinstance(function.__globals__.get("__loader__"), zipimport.zipimporter)
    try:
        return njit(nogil=True, cache=not is_zipped)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache folder is writable
        return njit(nogil=True)(function)
