"""A check that runs between the iterations of a fit, so that a fit that takes too long can end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from xgboost.callback import TrainingCallback

Check = Callable[[], None]
_check: ContextVar[Check | None] = ContextVar("fit_check", default=None)


@contextmanager
def checked_by(check: Check) -> Iterator[None]:
    """Call `check` between the iterations of all fits of this thread. Its error ends the fit."""
    token = _check.set(check)
    try:
        yield
    finally:
        _check.reset(token)


def check_fit() -> None:
    """Raise the error of the check of this thread, if there is one and it fails."""
    check = _check.get()
    if check is not None:
        check()


class CheckedBoosting(TrainingCallback):
    """Calls the check after each tree of xgboost."""

    def after_iteration(self, model: object, epoch: int, evals_log: object) -> bool:
        """False: go on."""
        check_fit()
        return False
