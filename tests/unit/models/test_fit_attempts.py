"""Which errors leave a model out, and which end the run."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd.rows import NotFittableError
from models.calibration import CalibrationError
from models.fit_attempts import LONGEST_REASON, LeftOut, fit_or_reason
from models.survival.rows import SurvivalError


def raising(error):
    def fit():
        raise error

    return fit


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SurvivalError("no event."), "no event."),
        (NotFittableError("3 customers."), "3 customers."),
        (CalibrationError("one class."), "one class."),
        (np.linalg.LinAlgError("singular"), "singular"),
        (OverflowError("too large"), "too large"),
        (ValueError(), "ValueError"),
        (ValueError("first line\n  second line"), "first line"),
        (ValueError("x" * 9_999), "x" * LONGEST_REASON),
    ],
)
def test_a_fit_that_the_data_do_not_allow_has_a_reason(error, reason):
    assert fit_or_reason(raising(error)) == LeftOut(reason)


@pytest.mark.parametrize("error", [KeyError("x"), TypeError("x"), AssertionError("x")])
def test_a_fault_of_the_program_ends_the_run(error):
    with pytest.raises(type(error)):
        fit_or_reason(raising(error))
    assert fit_or_reason(raising(error), (type(error),)) == LeftOut(str(error))


def test_a_fit_is_returned_as_it_is():
    assert fit_or_reason(lambda: 7) == 7
