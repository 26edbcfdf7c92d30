"""Numba's compiler, its machine code kept beside Python's own: a fresh worker reads it."""

from __future__ import annotations

import zipimport
from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """The function as machine code, compiled at its first call and kept in __pycache__.

    Spark starts Python workers anew all the time, and each would compile for one to three seconds.
    Nothing is kept of a module in a .zip: Spark unpacks it under another name each time, and the
    user's cache would grow with every application.
    """
    is_zipped = isinstance(function.__globals__.get("__loader__"), zipimport.zipimporter)
    try:
        return njit(nogil=True, cache=not is_zipped)(function)
    except RuntimeError:  # neither the package's folder nor the user's cache can be written
        return njit(nogil=True)(function)
