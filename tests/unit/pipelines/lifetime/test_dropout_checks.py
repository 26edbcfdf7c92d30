"""Why P(alive) is not shown: the warnings, with value, rule and setting."""

from __future__ import annotations

import pytest

from models.btyd.dropout import Dropout
from pipelines.lifetime.dropout_checks import doubts
from runtime.settings import load
from tests.unit.pipelines.lifetime.test_fits import GOOD, LOST

SETTINGS = load("demo").lifetime
CONVERGE = (
    "bg_nbd: the fit did not converge (gradient 2.0e-02 per customer), nor did any other model of "
    "conf. p_alive is not shown, and forecasts use the parameters at which the search stopped. "
    "Check gold.clv_backtest, or use a longer history."
)
INSTEAD = " Strategies that need p_alive use expected purchases, which do not depend on dropout."
NOBODY = (
    "bg_nbd: p_alive is not shown (no_dropout). The purchases do not show that customers leave for "
    "good: "
)
RATIO = (
    NOBODY + "the likelihood ratio against a model without leaving is 3.1, it must be above 9.2 "
    "(lifetime.least_likelihood_ratio)." + INSTEAD
)
YEAR = NOBODY + "0.4% leave per year, at least 1.0% must (lifetime.least_leaving_a_year)." + INSTEAD
UNKNOWN = NOBODY + "the model without leaving could not be fitted." + INSTEAD
NOT_PRECISE = (
    "bg_nbd: p_alive is not shown (not_precise). Customers do leave for good, but their purchases "
    "do not show clearly enough who has left: the median standard error of p_alive is 0.17, at "
    "most 0.1 is allowed (lifetime.most_p_alive_error)." + INSTEAD
)


@pytest.mark.parametrize(
    ("fit", "leaving", "warnings"),
    [
        (GOOD, Dropout(682.2, 0.026, 0.01, None), []),
        (GOOD, Dropout(3.1, 0.026, 0.01, "no_dropout"), [RATIO]),
        (GOOD, Dropout(30.0, 0.004, 0.01, "no_dropout"), [YEAR]),
        (GOOD, Dropout(None, 0.026, 0.01, "no_dropout"), [UNKNOWN]),
        (GOOD, Dropout(682.2, 0.026, 0.17, "not_precise"), [NOT_PRECISE]),
        # Without a maximum, nothing is known about who has left.
        (LOST, Dropout(682.2, 0.026, None, "not_precise"), [CONVERGE]),
        (LOST, Dropout(3.1, 0.026, None, "no_dropout"), [CONVERGE, RATIO]),
    ],
)
def test_warnings_of_the_chosen_fit(fit, leaving, warnings):
    assert doubts("bg_nbd", fit, leaving, settings=SETTINGS) == warnings
