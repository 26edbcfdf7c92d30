"""Settings whose defaults follow the number of customers, for the steps that fit models."""

from __future__ import annotations

import copy

from runtime.context import Context
from runtime.settings.size_classes import settings_by_size
from transforms.population import customers_before


def sized(context: Context) -> Context:
    """The same run with the defaults of the company's size. A run says once what they are."""
    counted = customers_before(context.read("silver.transactions"), context.as_of)
    customers = counted.collect()[0]["customers"]  # one row
    settings, line = settings_by_size(context.settings, customers)
    context.progress.say_once(f"      {line}")
    other = copy.copy(context)
    other.settings = settings
    return other
